//! States, outcomes and causes as the contract lists them. They are made of the types of the domain and of the
//! engine, so the compiler misses none.

use poem_openapi::Enum;

/// An enum of the contract with the cases of one of the domain's or the engine's.
macro_rules! mirrored {
    ($(#[$about:meta])* $name:ident of $source:ty { $($(#[$doc:meta])* $case:ident),+ $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
        #[oai(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $case),+ }

        impl From<$source> for $name {
            fn from(source: $source) -> Self {
                match source { $(<$source>::$case => Self::$case),+ }
            }
        }
    };
}

mirrored! {
    /// The stable name of the cause of a refusal. `/docs/errors` explains each.
    RejectionCode of media::RejectionCode {
        /// The client gave the upload up.
        UploadAborted,
        /// The client did not finish in time.
        UploadExpired,
        /// What is in storage is not what was there when the upload was completed.
        UploadChanged,
        /// The bytes are not as many as declared.
        SizeMismatch,
        /// The SHA-256 is not the declared one.
        ChecksumMismatch,
        /// More bytes than allowed.
        FileTooLarge,
        /// The scanner found malware.
        Infected,
        /// The scanner could not look at all of it.
        NotScannable,
        /// Not a format we take.
        UnsupportedType,
        /// The bytes are another format than the declared one.
        TypeMismatch,
        /// The format is right but the contents cannot be read.
        Malformed,
        /// More pixels than allowed.
        TooManyPixels,
        /// More frames than allowed.
        TooManyFrames,
        /// Decoding took more memory or time than allowed.
        TooExpensive,
        /// Protected by DRM or by a password.
        Encrypted,
        /// Plays for longer than allowed.
        TooLong,
        /// A side has fewer pixels than are needed.
        TooSmall,
        /// More tracks than allowed.
        TooManyTracks,
        /// More pictures in a second than allowed.
        TooHighFrameRate,
        /// More bits in a second than allowed.
        TooHighBitrate,
        /// The header says another length than the contents have.
        DurationMismatch,
        /// Times jump, or run backwards.
        BrokenTimestamps,
        /// There is nothing to listen to, nor to look at.
        NoSound,
        /// There is nothing in it: no sample of sound, no page.
        Empty,
        /// More channels of sound than allowed.
        TooManyChannels,
        /// More samples of sound in a second than allowed.
        TooHighSampleRate,
        /// A form that only some programs show.
        XfaOnly,
        /// A document of an office program, where there is nothing to open it.
        OfficeDocument,
    }
}

mirrored! {
    /// The stable name of what is to be known of a file that was taken. `/docs/errors` explains each.
    WarningCode of media::Warning {
        /// The bytes are another format than the declared one, of the same kind.
        ContentTypeDiffers,
        /// The file ends before it should. What is there of it was taken.
        Truncated,
        /// Of an animation, the first frame is shown.
        FirstFrameOnly,
        /// Some of the pages that should be shown could not be drawn.
        PagesLeftOut,
    }
}

mirrored! {
    /// What a variant is for.
    VariantKind of media::variants::VariantKind {
        /// The image at its own size.
        Full,
        /// A smaller version.
        Thumbnail,
        /// The film or the sound, to be played: the playlist that leads to all others.
        Playlist,
        /// A still of the film.
        Poster,
        /// Some seconds of the film, as an animated picture.
        Preview,
        /// Small pictures of the whole film: which part of which sheet to show when.
        Storyboard,
        /// The sound in one file, to be played without playlists.
        Audio,
        /// The peaks of the sound: as numbers in the format of `audiowaveform`, or as a picture.
        Waveform,
        /// The picture that came with the sound.
        Cover,
        /// A page of the document.
        Page,
        /// The image at its own size, with a gain map: on screens that can, it is brighter than white.
        Hdr,
        /// The film in one file, to be played without playlists.
        Video,
    }
}

mirrored! {
    /// What a finding about a film means.
    Severity of media::conformance::Severity {
        /// The film is not served.
        Error,
        /// Advice that some films cannot follow.
        Warning,
    }
}

mirrored! {
    /// What a key may do.
    Scope of media::api_keys::Scope {
        /// Start, finish and abort uploads.
        #[oai(rename = "uploads:write")]
        UploadsWrite,
        /// See files.
        #[oai(rename = "files:read")]
        FilesRead,
        /// Everything, for operators.
        Admin,
    }
}

mirrored! {
    /// State of a run.
    RunState of workflows::RunState {
        /// It has steps left to do, even if they wait.
        Running,
        /// All its steps are done.
        Succeeded,
        /// A step refused its input.
        Rejected,
        /// A task used up its attempts; an operator decides how it goes on.
        Dead,
        /// It was ended on request.
        Cancelled,
    }
}

impl From<RunState> for workflows::RunState {
    fn from(state: RunState) -> Self {
        match state {
            RunState::Running => Self::Running,
            RunState::Succeeded => Self::Succeeded,
            RunState::Rejected => Self::Rejected,
            RunState::Dead => Self::Dead,
            RunState::Cancelled => Self::Cancelled,
        }
    }
}

mirrored! {
    /// State of a step.
    StepState of workflows::StepState {
        /// It waits for its turn.
        Ready,
        /// A worker runs it.
        Running,
        /// It failed, and is tried again later.
        Retrying,
        /// It is done.
        Done,
        /// It refused the file.
        Rejected,
        /// It failed for good, and waits for somebody to decide.
        Dead,
    }
}

mirrored! {
    /// How an attempt ended.
    AttemptOutcome of workflows::AttemptOutcome {
        /// The step is done.
        Done,
        /// It failed.
        Error,
        /// Something that it needs was down, and it is not to blame.
        Unavailable,
        /// It refused what it was given.
        Rejected,
        /// Its process died of it.
        Crashed,
        /// Its worker was lost, and it is not to blame.
        Lost,
        /// The worker handed it back.
        Interrupted,
        /// Its run was ended.
        Cancelled,
    }
}

mirrored! {
    /// Why a task died.
    DeadLetterCause of workflows::Cause {
        /// Too many attempts ended in an error.
        Errors,
        /// Too many processes died of it.
        Crashes,
        /// It was handed back too often.
        Interruptions,
        /// The step said that no retry would help.
        Failed,
    }
}

mirrored! {
    /// What became of a dead letter.
    DeadLetterResolution of workflows::Resolution {
        /// Its task was started anew.
        Redriven,
        /// Its task was given up.
        Discarded,
        /// The run went on without it.
        Skipped,
        /// The run ended otherwise.
        Obsolete,
    }
}

impl From<Scope> for media::api_keys::Scope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::UploadsWrite => Self::UploadsWrite,
            Scope::FilesRead => Self::FilesRead,
            Scope::Admin => Self::Admin,
        }
    }
}

/// Where a code of a refusal is explained, by this service itself.
pub fn rejection_path(code: media::RejectionCode) -> String {
    format!("/docs/errors#{}", rejection_anchor(code))
}

/// Its place on that page. Some codes are of problems, too.
pub fn rejection_anchor(code: media::RejectionCode) -> String {
    format!("rejected-{}", code.as_str())
}
