//! The second look: every packet of the sound, folded as it comes. Memory does not grow with the sound.

use crate::probe::packet::Packet;
use crate::probe::{Refusal, RefusalCode, counted};

/// A packet that comes this much too early is out of order for good, in microseconds.
const BACKWARDS_US: i64 = 1_000_000;
/// The longest silence between two packets, in microseconds; more is a jump of the clock.
const PAUSE_US: i64 = 600_000_000;

/// What is known so far.
pub struct Measured {
    most_packets: u64,
    packets: u64,
    start_us: Option<i64>,
    end_us: i64,
    jumps: bool,
}

/// What came out.
#[derive(Debug)]
pub struct Facts {
    /// Packets with sound in them.
    pub packets: u64,
    /// From the first packet to the end of the last, in microseconds.
    pub duration_us: u64,
}

impl Measured {
    /// Nothing is known yet; more than so many packets are refused.
    pub fn new(most_packets: u64) -> Self {
        Self {
            most_packets,
            packets: 0,
            start_us: None,
            end_us: i64::MIN,
            jumps: false,
        }
    }

    /// Takes the line of one packet.
    pub fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let Some(packet) = Packet::read(line) else {
            return Ok(());
        };
        self.packets += 1;
        if self.packets > self.most_packets {
            let (code, what) = (RefusalCode::TooManyPackets, "the sound has more than");
            return Err(Refusal::limit(
                code,
                what,
                counted(self.most_packets),
                counted(self.packets),
                "packets",
            ));
        }
        let Some(at_us) = packet.at_us.filter(|_| !packet.discarded) else {
            return Ok(());
        };
        if self.start_us.is_some() {
            let pause = at_us.saturating_sub(self.end_us);
            self.jumps |= !(-BACKWARDS_US..=PAUSE_US).contains(&pause);
        }
        self.start_us = self.start_us.or(Some(at_us));
        self.end_us = self.end_us.max(at_us.saturating_add(packet.duration_us));
        Ok(())
    }

    /// What the packets said, once all are read.
    pub fn finish(self) -> Result<Facts, Refusal> {
        if self.jumps {
            let message = "the sound's times jump by minutes or run backwards";
            return Err(Refusal::new(RefusalCode::BrokenTimestamps, message));
        }
        let start_us = self.start_us.unwrap_or(self.end_us);
        Ok(Facts {
            packets: self.packets,
            duration_us: u64::try_from(self.end_us.saturating_sub(start_us)).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, Measured};
    use crate::probe::RefusalCode;

    fn measure(times: &[f64]) -> Result<Facts, RefusalCode> {
        let mut measured = Measured::new(5);
        for at in times {
            let line = format!("0,{at:.6},N/A,0.500000,10,20,K_");
            let taken = measured.take(line.as_bytes());
            taken.map_err(|refusal| refusal.code)?;
        }
        measured.finish().map_err(|refusal| refusal.code)
    }

    #[test]
    fn a_sound_lasts_from_its_first_packet_to_the_end_of_its_last() {
        // With a pause, as recorders leave out silence.
        let facts = measure(&[0.1, 0.6, 30.1]).unwrap();
        assert_eq!((facts.packets, facts.duration_us), (3, 30_500_000));
        assert_eq!(measure(&[]).unwrap().duration_us, 0);
    }

    #[test]
    fn clocks_that_jump_and_floods_of_packets_are_refused() {
        for (times, code) in [
            (&[0.0, 0.5, 7200.0][..], RefusalCode::BrokenTimestamps),
            (&[9.0, 9.5, 0.0], RefusalCode::BrokenTimestamps),
            (&[0.0; 6], RefusalCode::TooManyPackets),
        ] {
            assert_eq!(measure(times).err(), Some(code), "{times:?}");
        }
    }
}
