//! Our own workflows under measurement. Their steps do nothing but count themselves.

use workflows::{Done, FanOut, Joined, Step, StepContext, StepError, Workflow};

use crate::counter::Counter;

/// Steps of [`linear`].
pub const STEPS: u64 = 3;
/// Children of [`fanning`].
pub const CHILDREN: u64 = 4;
/// Nodes of [`fanning`]: the spread, its children and the join.
pub const NODES: u64 = CHILDREN + 2;

struct Noop<const N: usize>(Counter);

impl<const N: usize> Step for Noop<N> {
    const NAME: &'static str = ["first", "second", "third"][N];
    type Input = u64;
    type Output = u64;

    async fn run(&self, _: &StepContext, input: u64) -> Result<Done<u64>, StepError> {
        self.0.add();
        Ok(Done::new(input))
    }
}

/// Three steps in a row.
pub fn linear(counter: &Counter) -> Workflow<u64> {
    Workflow::named("linear", 1)
        .step(Noop::<0>(counter.clone()))
        .step(Noop::<1>(counter.clone()))
        .step(Noop::<2>(counter.clone()))
        .build()
}

/// One step.
pub fn single(counter: &Counter) -> Workflow<u64> {
    Workflow::named("single", 1)
        .step(Noop::<0>(counter.clone()))
        .build()
}

struct Spread(Counter);

impl Step for Spread {
    const NAME: &'static str = "spread";
    type Input = u64;
    type Output = FanOut<u64, ()>;

    async fn run(&self, _: &StepContext, input: u64) -> Result<Done<Self::Output>, StepError> {
        self.0.add();
        let children = (input..input + CHILDREN).collect();
        Ok(Done::new(FanOut {
            children,
            carry: (),
        }))
    }
}

struct Gather(Counter);

impl Step for Gather {
    const NAME: &'static str = "gather";
    type Input = Joined<(), u64>;
    type Output = u64;

    async fn run(&self, _: &StepContext, input: Self::Input) -> Result<Done<u64>, StepError> {
        self.0.add();
        Ok(Done::new(input.children.iter().sum()))
    }
}

/// A fan-out and a join.
pub fn fanning(counter: &Counter) -> Workflow<u64> {
    Workflow::named("fanning", 1)
        .step(Spread(counter.clone()))
        .fan_out(Noop::<0>(counter.clone()))
        .join(Gather(counter.clone()))
        .build()
}
