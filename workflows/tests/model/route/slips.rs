//! Protocols that are wrong in one rule. The checker has to find out, and prints the shortest story
//! of how it goes wrong.

use super::{
    PATIENT, STRICT, properties,
    protocol::{Limits, Protocol},
    rules::{Claims, Fence, Join, Redrive, Rescue, Rules, Tokens},
};
use crate::assert_caught;

/// Two faults are enough for every slip.
fn patient(rules: Rules) -> Protocol {
    Protocol {
        rules,
        limits: PATIENT,
        faults: 2,
        redrives: 0,
    }
}

#[test]
fn without_a_fence_a_step_takes_effect_twice() {
    let rules = Rules {
        fence: Fence::None,
        ..Rules::SOUND
    };
    assert_caught(patient(rules), properties::EFFECT_ONCE);
    assert_caught(patient(rules), properties::NO_STALE_WRITE);
}

#[test]
fn without_a_fence_the_children_are_inserted_twice() {
    let rules = Rules {
        fence: Fence::None,
        ..Rules::SOUND
    };
    assert_caught(patient(rules), properties::INSERTED_ONCE);
}

#[test]
fn a_fence_without_the_workers_name_is_passed_with_a_token_that_was_handed_out_twice() {
    let rules = Rules {
        fence: Fence::Token,
        ..Rules::SOUND
    };
    assert_caught(patient(rules), properties::NO_STALE_WRITE);
}

#[test]
fn a_join_decided_outside_the_transaction_never_comes() {
    let rules = Rules {
        join: Join::ReadBefore,
        ..Rules::SOUND
    };
    let protocol = Protocol {
        faults: 0,
        ..patient(rules)
    };
    assert_caught(protocol, properties::NO_RUN_LOST);
}

#[test]
fn a_rescue_that_does_not_compare_tokens_takes_a_living_workers_lease() {
    let rules = Rules {
        rescue: Rescue::AnyLeaseOfTheTask,
        ..Rules::SOUND
    };
    assert_caught(patient(rules), properties::RESCUED_AS_SEEN);
}

#[test]
fn a_redrive_that_does_not_take_the_letter_starts_the_task_twice() {
    let rules = Rules {
        redrive: Redrive::TrustsTheRequest,
        ..Rules::SOUND
    };
    let protocol = Protocol {
        limits: STRICT,
        redrives: 2,
        ..patient(rules)
    };
    assert_caught(protocol, properties::ONE_PLACE);
}

#[test]
fn a_worker_without_presence_that_goes_on_claiming_poisons_its_tasks() {
    let rules = Rules {
        claims: Claims::OfAllWorkers,
        ..Rules::SOUND
    };
    let protocol = Protocol {
        limits: Limits {
            crashes: 3,
            ..PATIENT
        },
        faults: 1,
        ..patient(rules)
    };
    assert_caught(protocol, properties::CHARGED_FAIRLY);
}

#[test]
fn tokens_taken_from_a_clock_alone_are_handed_out_twice() {
    let rules = Rules {
        tokens: Tokens::OfTheClock,
        ..Rules::SOUND
    };
    assert_caught(patient(rules), properties::TOKENS_GROW);
}
