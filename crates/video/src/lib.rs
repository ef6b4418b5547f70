//! Films, and sounds alone: from any camera's or recorder's file to HLS that every player plays.
//!
//! In the order of a film's way: [`probe`] says what a file is and refuses what is not to be worked
//! on; [`plan`] decides once, purely, what is made of it and in which tasks; [`encode`] carries out
//! one task; [`hls`] writes the playlists from what was really made; [`gate`] holds the result
//! against the rules of HLS; [`progressive`] puts a size and the sounds together as one file. [`trial`] takes a second of film all of that way. [`mp4`] reads segments for both. Whatever touches the bytes of a stranger
//! goes through [`exec`], which runs ffmpeg and ffprobe confined.
//!
//! [`audio`] takes sounds alone the same way, by the same parts.
//!
//! A library over local folders. It knows no storage, no database and no queue.

pub mod audio;
pub mod encode;
pub mod exec;
pub mod gate;
pub mod hls;
pub mod mp4;
pub mod plan;
pub mod probe;
pub mod progressive;
pub mod trial;
