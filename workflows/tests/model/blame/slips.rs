//! Rules of blame that are wrong in one place. The checker has to find out, and prints a short story of
//! how it goes wrong.

use super::{
    SOUND, properties,
    protocol::Protocol,
    rules::{
        Burial, Charges, Count, Expiry, Forgiveness, FrozenSessions, Locked, Rules, Strays,
        Suspects,
    },
};
use crate::assert_caught;

fn with(rules: Rules, faults: u8) -> Protocol {
    Protocol {
        rules,
        faults,
        ..SOUND
    }
}

#[test]
fn charging_all_that_a_lost_worker_had_charges_the_innocent() {
    let rules = Rules {
        charges: Charges::Everybody,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 0), properties::FAIR);
}

#[test]
fn leases_do_not_tell_what_a_process_was_at() {
    let rules = Rules {
        count: Count::Leases,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 1), properties::FAIR);
}

#[test]
fn who_returns_with_empty_hands_takes_no_charge_back() {
    let rules = Rules {
        forgiveness: Forgiveness::OfWhatIsInHand,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 1), properties::FAIR);
}

#[test]
fn burying_without_waiting_for_the_return_buries_the_innocent() {
    let rules = Rules {
        burial: Burial::AtOnce,
        ..Rules::SOUND
    };
    let protocol = Protocol {
        crash_limit: 1,
        ..with(rules, 1)
    };
    assert_caught(protocol, properties::FAIR);
}

#[test]
fn a_rescue_that_waits_for_a_locked_run_leaves_the_others_where_they_are() {
    let rules = Rules {
        locked: Locked::WaitedFor,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 1), properties::NOBODY_WAITS);
}

#[test]
fn suspects_that_run_together_are_never_told_apart() {
    let rules = Rules {
        suspects: Suspects::Together,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 0), properties::FOUND);
}

#[test]
fn a_dead_workers_leases_that_count_as_expired_make_nobody_suspect() {
    let rules = Rules {
        expiry: Expiry::OfAnybody,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 0), properties::FOUND);
}

#[test]
fn a_session_that_keeps_its_transaction_while_it_stands_still_stops_a_run_for_good() {
    let rules = Rules {
        frozen: FrozenSessions::KeepIt,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 1), properties::GOES_ON);
}

#[test]
fn a_poison_that_is_found_as_a_stray_kills_who_buries_it() {
    let rules = Rules {
        strays: Strays::All,
        ..Rules::SOUND
    };
    assert_caught(with(rules, 1), properties::FAIR);
}
