//! What the next claim asks for: which lanes, how much, and whose turn it is.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::OwnedSemaphorePermit;

use crate::define::ids::{FairnessHash, LaneId};
use crate::{
    define::lane::Lane,
    protocol::task::Claim,
    store::{
        claim::{Claimed, Demand, Wanted},
        lanes::Lanes,
    },
    worker::{
        breakers::{Breakers, Gate},
        channels::Permits,
        claim_cursor::ClaimCursors,
        registry::Registry,
        slots::Slots,
    },
};

/// A version of a workflow in one queue. Those of a queue take turns as fairness keys do.
type Group = (&'static str, &'static str, i32);

pub(crate) struct Demands {
    lanes: Vec<Known>,
    breakers: Breakers,
    /// The key served last in each group. The next claim begins behind it, so keys take turns.
    served: HashMap<Group, FairnessHash>,
    /// When each group was served last, counted in claims: the one that waits longest comes first.
    turns: HashMap<Group, u64>,
    fronts: ClaimCursors,
}

/// A lane of this build.
struct Known {
    number: LaneId,
    lane: Lane,
    crash_limit: i32,
    /// Outside services that its step needs.
    needs: &'static [&'static str],
}

impl Demands {
    pub fn new(lanes: &Lanes, registry: &Arc<Registry>, breakers: Breakers) -> Self {
        let known = lanes.iter().map(|(number, lane)| Known {
            number,
            lane: lane.clone(),
            crash_limit: registry.crash_limit(lane),
            needs: registry.needs(lane),
        });
        Self {
            lanes: known.collect(),
            breakers,
            served: HashMap::new(),
            turns: HashMap::new(),
            fronts: ClaimCursors::default(),
        }
    }

    /// What to ask for with these free slots.
    pub fn of(&self, permits: &Permits, slots: &Slots) -> Demand {
        let mut groups: Vec<Group> = self.lanes.iter().map(|known| group(&known.lane)).collect();
        groups.sort_unstable();
        groups.dedup();
        let mut lanes: Vec<Wanted> = Vec::new();
        for Known {
            number,
            lane,
            crash_limit,
            needs,
        } in &self.lanes
        {
            let free = permits
                .get(lane.queue)
                .map_or(0, OwnedSemaphorePermit::num_permits);
            let free = match self.breakers.gate(*number, needs) {
                Gate::Open => free,
                Gate::Probe => free.min(1),
                Gate::Closed => 0,
            };
            if free == 0 {
                continue;
            }
            slots.looking(lane.queue);
            let group = group(lane);
            let place = groups.binary_search(&group).unwrap_or_default();
            lanes.push(Wanted {
                lane: *number,
                queue: lane.queue,
                group: i32::try_from(place).unwrap_or_default(),
                slots: free,
                after: self
                    .served
                    .get(&group)
                    .copied()
                    .unwrap_or(FairnessHash::MIN),
                crash_limit: *crash_limit,
            });
        }
        let turn = |wanted: &Wanted| {
            let place = usize::try_from(wanted.group).unwrap_or_default();
            self.turns.get(&groups[place]).copied()
        };
        lanes.sort_by_key(turn);
        let fronts = self.fronts.known(&lanes);
        Demand { lanes, fronts }
    }

    pub fn learn(&mut self, lanes: &Lanes, claimed: &Claimed, from_the_front: bool) {
        let numbered = claimed.claims.iter().map(|claim| {
            let number = lanes.number_of(&claim.lane).unwrap_or_default();
            (number, &**claim)
        });
        self.fronts.learn(numbered, claimed.took, from_the_front);
    }

    /// Time until the next claim begins at the front of each lane again. `None` while claims begin there anyway.
    pub fn again_in(&self) -> Option<Duration> {
        self.fronts.again_in()
    }

    pub fn served(&mut self, claim: &Claim) {
        if let Some(known) = self.lanes.iter().find(|known| known.lane == claim.lane) {
            self.breakers.claimed(known.number, known.needs);
        }
        let group = group(&claim.lane);
        self.served.insert(group, claim.fairness_hash);
        let latest = self.turns.values().max().copied().unwrap_or_default();
        self.turns.insert(group, latest + 1);
    }
}

fn group(lane: &Lane) -> Group {
    (lane.queue, lane.workflow, lane.version)
}
