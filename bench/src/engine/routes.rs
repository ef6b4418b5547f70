//! Our own workflows under measurement. Their steps do nothing but count themselves.

use workflows::{Attempt, Done, FanOut, Joined, Step, StepError, Workflow};

use crate::counter::Counter;

/// Steps of [`linear`].
pub const STEPS: u64 = 3;
/// Children of [`fanning`].
pub const CHILDREN: u64 = 4;
/// Nodes of [`fanning`]: the spread, its children and the join.
pub const NODES: u64 = CHILDREN + 2;

struct Noop<const N: usize>;

impl<const N: usize> Step for Noop<N> {
    const NAME: &'static str = ["first", "second", "third"][N];
    type Context = Counter;
    type Input = u64;
    type Output = u64;

    async fn run(cx: &Attempt<Counter>, input: u64) -> Result<Done<u64>, StepError> {
        cx.context.add();
        Ok(Done::new(input))
    }
}

/// Three steps in a row.
pub fn linear(counter: &Counter) -> Workflow<u64> {
    Workflow::named("linear", 1)
        .step::<Noop<0>>()
        .step::<Noop<1>>()
        .step::<Noop<2>>()
        .build()
        .with_context(counter.clone())
}

/// One step.
pub fn single(counter: &Counter) -> Workflow<u64> {
    Workflow::named("single", 1)
        .step::<Noop<0>>()
        .build()
        .with_context(counter.clone())
}

struct Spread;

impl Step for Spread {
    const NAME: &'static str = "spread";
    type Context = Counter;
    type Input = u64;
    type Output = FanOut<u64, ()>;

    async fn run(cx: &Attempt<Counter>, input: u64) -> Result<Done<Self::Output>, StepError> {
        cx.context.add();
        let children = (input..input + CHILDREN).collect();
        Ok(Done::new(FanOut {
            children,
            carry: (),
        }))
    }
}

struct Gather;

impl Step for Gather {
    const NAME: &'static str = "gather";
    type Context = Counter;
    type Input = Joined<(), u64>;
    type Output = u64;

    async fn run(cx: &Attempt<Counter>, input: Self::Input) -> Result<Done<u64>, StepError> {
        cx.context.add();
        Ok(Done::new(input.children.iter().sum()))
    }
}

/// A fan-out and a join.
pub fn fanning(counter: &Counter) -> Workflow<u64> {
    Workflow::named("fanning", 1)
        .step::<Spread>()
        .fan_out::<Noop<0>>()
        .join::<Gather>()
        .build()
        .with_context(counter.clone())
}
