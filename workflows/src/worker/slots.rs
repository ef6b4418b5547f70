//! How many tasks of each queue this process runs at once, and whether somebody new may be waiting
//! for one of its slots.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, Semaphore};

/// The slots of every queue, shared by all who take, free or count them.
#[derive(Clone, Default)]
pub(crate) struct Slots {
    queues: Arc<HashMap<String, Queue>>,
    /// Wakes the dispatcher.
    look: Arc<Notify>,
    /// Wakes whoever claims under limits.
    limits_look: Arc<Notify>,
    /// Suspects wait: tasks of a process that died.
    suspects: Arc<AtomicBool>,
    /// A suspect waits to run alone. Until it has started, every slot is given back after its step.
    holding: Arc<AtomicBool>,
}

struct Queue {
    slots: Arc<Semaphore>,
    /// Set when work became ready, cleared when a claim looks for it. While it is set, a slot does not
    /// go on with its own run.
    news: AtomicBool,
    /// When a claim looked into it last.
    looked: Mutex<Instant>,
}

impl Slots {
    pub fn new(queues: impl IntoIterator<Item = (String, usize)>) -> Self {
        let queues = queues.into_iter().map(|(name, slots)| {
            let queue = Queue {
                slots: Arc::new(Semaphore::new(slots)),
                news: AtomicBool::new(true),
                looked: Mutex::new(Instant::now()),
            };
            (name, queue)
        });
        Self {
            queues: Arc::new(queues.collect()),
            look: Arc::default(),
            limits_look: Arc::default(),
            suspects: Arc::default(),
            holding: Arc::default(),
        }
    }

    /// Says whether suspects wait: tasks of a process that died.
    pub fn set_suspects(&self, waiting: bool) {
        self.suspects.store(waiting, Ordering::Release);
        if waiting {
            self.look.notify_one();
        }
    }

    pub fn suspects(&self) -> bool {
        self.suspects.load(Ordering::Acquire)
    }

    /// Whether slots are to be given back after each step.
    pub fn hold(&self, holding: bool) {
        self.holding.store(holding, Ordering::Release);
    }

    pub fn holding(&self) -> bool {
        self.holding.load(Ordering::Acquire)
    }

    pub fn queues(&self) -> impl Iterator<Item = (&String, &Arc<Semaphore>)> {
        self.queues.iter().map(|(name, queue)| (name, &queue.slots))
    }

    /// Number of free slots of a queue. 0 for a queue that this process does not serve.
    pub fn free(&self, queue: &str) -> usize {
        let queue = self.queues.get(queue);
        queue.map_or(0, |queue| queue.slots.available_permits())
    }

    /// Somebody else made work ready in this queue.
    pub fn mark_ready(&self, queue: &str) {
        if let Some(queue) = self.queues.get(queue) {
            queue.news.store(true, Ordering::Release);
            self.wake();
        }
    }

    /// Notifications may have been lost, so any queue may have new work. Only full queues are marked: the
    /// next task of theirs that ends gives its slot back. Queues with free slots are claimed from anyway.
    pub fn mark_all_ready(&self) {
        let queues = self.queues.values();
        for queue in queues.filter(|queue| queue.slots.available_permits() == 0) {
            queue.news.store(true, Ordering::Release);
        }
    }

    /// Wakes both claimers: the dispatcher, and the one of limited queues.
    pub fn wake(&self) {
        self.look.notify_one();
        self.limits_look.notify_one();
    }

    /// Waits until the claimer of limited queues has a reason to look.
    pub async fn limits_looked_for(&self) {
        self.limits_look.notified().await;
    }

    /// Waits until the dispatcher has a reason to look.
    pub async fn woken(&self) {
        self.look.notified().await;
    }

    /// A claim is about to look into this queue.
    pub fn looking(&self, queue: &str) {
        if let Some(queue) = self.queues.get(queue) {
            queue.news.store(false, Ordering::Release);
            *queue.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
    }

    /// There are free slots, and no claim has looked for work for `time`.
    pub fn idle_for(&self, queue: &str, time: Duration) -> bool {
        self.queues.get(queue).is_some_and(|queue| {
            let looked = queue.looked.lock().unwrap_or_else(PoisonError::into_inner);
            queue.slots.available_permits() > 0 && looked.elapsed() >= time
        })
    }

    /// Whether a slot may go on with the next step of its run without claiming: claims are not held back, and no
    /// work was announced for the queue since the last claim, so nobody is kept waiting.
    pub fn can_continue(&self, queue: &str) -> bool {
        let queue = self.queues.get(queue);
        !self.holding.load(Ordering::Acquire)
            && queue.is_some_and(|queue| !queue.news.load(Ordering::Acquire))
    }
}
