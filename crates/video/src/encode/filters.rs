//! Filter graphs. All text in them is made of numbers and names of this crate.

use crate::plan::{Colours, Matrix, Plan};
use crate::probe::Ratio;

/// Pictures of `rate` from `start_us` on, without end: a film that stops early stands still, and of one
/// that is shorter than half an interval its last picture is kept.
pub(super) fn constant_rate(rate: Ratio, start_us: u64) -> String {
    let start = super::seconds(start_us);
    let Ratio { num, den } = rate;
    format!(
        "fps={num}/{den}:start_time={start}:round=near:eof_action=pass,tpad=stop=-1:stop_mode=clone"
    )
}

/// The film's stream, its fields joined.
pub(super) fn source(plan: &Plan) -> String {
    format!("[0:{}]{}", plan.picture.stream, joined(plan))
}

/// Joins fields where there are any.
pub(super) const fn joined(plan: &Plan) -> &'static str {
    if plan.picture.deinterlace {
        "bwdif=mode=send_frame:deint=all,"
    } else {
        ""
    }
}

/// Scaled to `width` × `height`, and in the colours of BT.709: SDR, 8 bit, 4:2:0, square pixels.
pub(super) fn plain(colours: Colours, width: u32, height: u32) -> String {
    let scale = format!("scale={width}:{height}:flags=bicubic");
    let matrix = match colours {
        Colours::Sdr(Matrix::Bt709) => ":in_color_matrix=bt709",
        Colours::Sdr(Matrix::Bt601) => ":in_color_matrix=bt601",
        Colours::Sdr(Matrix::None) => "",
        Colours::WideSdr => return format!("{scale},{},{END}", linear("bt709", "hable", false)),
        Colours::Pq => return format!("{scale},{},{END}", linear("smpte2084", "hable", true)),
        Colours::Hlg => return format!("{scale},{},{END}", linear("arib-std-b67", "hable", true)),
    };
    format!("{scale}{matrix}:out_color_matrix=bt709:out_range=tv,{END}")
}

const END: &str = "format=yuv420p,setsar=1";

/// By way of linear light from BT.2020 to BT.709.
fn linear(transfer: &str, curve: &str, mapped: bool) -> String {
    let mapping = if mapped {
        format!("tonemap={curve}:desat=0,")
    } else {
        String::new()
    };
    format!(
        "zscale=tin={transfer}:pin=bt2020:min=bt2020nc:t=linear:npl=100,format=gbrpf32le,\
         zscale=p=bt709,{mapping}zscale=t=bt709:m=bt709:r=tv"
    )
}
