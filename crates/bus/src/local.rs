//! The bus inside one process.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::{Bus, BusError, Heard, Message, Pattern, Receiver, Subject, Subscription, Work};

/// In-process channels.
pub struct LocalBus {
    events: Mutex<Option<broadcast::Sender<Message>>>,
    queues: Mutex<HashMap<Subject, Arc<Queue>>>,
    queue_length: usize,
    /// Kept so that a new subscription after the end gets an ended channel.
    event_length: usize,
}

/// A queue of work.
struct Queue {
    waiting: Mutex<VecDeque<(Bytes, u32)>>,
    /// Something came, or the bus closed.
    news: Notify,
    /// One permit for each place that is free.
    places: Semaphore,
    closed: AtomicBool,
}

impl LocalBus {
    /// A bus whose subscribers may be `event_length` messages behind, and whose queues hold `queue_length` pieces.
    pub fn new(event_length: usize, queue_length: usize) -> Self {
        let event_length = event_length.max(1);
        Self {
            events: Mutex::new(Some(broadcast::channel(event_length).0)),
            queues: Mutex::new(HashMap::new()),
            queue_length: queue_length.max(1),
            event_length,
        }
    }

    fn queue(&self, name: &Subject) -> Arc<Queue> {
        let is_closed = lock(&self.events).is_none();
        let mut queues = lock(&self.queues);
        let queue = queues.entry(name.clone()).or_insert_with(|| {
            let places = Semaphore::new(self.queue_length);
            if is_closed {
                places.close();
            }
            Arc::new(Queue {
                waiting: Mutex::new(VecDeque::new()),
                news: Notify::new(),
                places,
                closed: AtomicBool::new(is_closed),
            })
        });
        Arc::clone(queue)
    }
}

impl Default for LocalBus {
    fn default() -> Self {
        Self::new(1024, 1024)
    }
}

#[async_trait]
impl Bus for LocalBus {
    fn publish(&self, message: Message) -> Result<(), BusError> {
        let events = lock(&self.events);
        let events = events.as_ref().ok_or(BusError::Closed)?;
        // An error says that nobody listens, which is nobody's fault.
        let _ = events.send(message);
        Ok(())
    }

    fn subscribe(&self, pattern: Pattern) -> Box<dyn Subscription> {
        let events = match lock(&self.events).as_ref() {
            Some(events) => events.subscribe(),
            None => broadcast::channel(self.event_length).1,
        };
        Box::new(LocalSubscription { pattern, events })
    }

    async fn send(&self, queue: &Subject, body: Bytes) -> Result<(), BusError> {
        let queue = self.queue(queue);
        let place = queue.places.acquire().await.map_err(|_| BusError::Closed)?;
        // The place is free again when the work is done.
        place.forget();
        lock(&queue.waiting).push_back((body, 0));
        queue.news.notify_one();
        Ok(())
    }

    fn receive(&self, queue: &Subject) -> Box<dyn Receiver> {
        Box::new(LocalReceiver(self.queue(queue)))
    }

    fn close(&self) {
        lock(&self.events).take();
        for queue in lock(&self.queues).values() {
            queue.closed.store(true, Ordering::SeqCst);
            queue.places.close();
            queue.news.notify_waiters();
        }
    }
}

struct LocalSubscription {
    pattern: Pattern,
    events: broadcast::Receiver<Message>,
}

#[async_trait]
impl Subscription for LocalSubscription {
    async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.events.recv().await {
                Ok(message) if self.pattern.matches(&message.subject) => {
                    return Some(Heard::Message(message));
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(missed)) => {
                    return Some(Heard::Lagged(missed));
                }
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

struct LocalReceiver(Arc<Queue>);

#[async_trait]
impl Receiver for LocalReceiver {
    async fn next(&mut self) -> Option<Box<dyn Work>> {
        loop {
            // Registered before looking, so that news between the two is not missed.
            let news = self.0.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if let Some((body, attempts)) = lock(&self.0.waiting).pop_front() {
                let queue = Arc::clone(&self.0);
                let attempt = attempts.saturating_add(1);
                return Some(Box::new(LocalWork {
                    queue,
                    body,
                    attempt,
                    is_done: false,
                }));
            }
            if self.0.closed.load(Ordering::SeqCst) {
                return None;
            }
            news.await;
        }
    }
}

struct LocalWork {
    queue: Arc<Queue>,
    body: Bytes,
    attempt: u32,
    is_done: bool,
}

impl Work for LocalWork {
    fn body(&self) -> &Bytes {
        &self.body
    }

    fn attempt(&self) -> u32 {
        self.attempt
    }

    fn done(mut self: Box<Self>) {
        self.is_done = true;
        self.queue.places.add_permits(1);
    }
}

impl Drop for LocalWork {
    fn drop(&mut self) {
        if !self.is_done {
            lock(&self.queue.waiting).push_front((self.body.clone(), self.attempt));
            self.queue.news.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
