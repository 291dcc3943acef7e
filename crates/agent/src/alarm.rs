//! Wakes at the one instant that is asked for, and at none before.
//!
//! The runtime's own timers turn a wheel of several sizes: a timer that is far away wakes the process two or three times
//! before it is due, to be sorted into the next smaller wheel. That is nothing for a server and most of what an idle
//! agent would do. The kernel's timer (`timerfd_create(2)`) wakes once.

use std::io;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::{net::unix::pipe::Receiver, time::Instant};

/// A timer of the kernel.
#[derive(Debug)]
pub(crate) struct Alarm {
    /// A timer is read as a pipe is; this is the runtime's safe way to wait for a descriptor of another kind.
    timer: Receiver,
    /// What it is set to.
    set: Option<Instant>,
}

impl Alarm {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            timer: Receiver::from_owned_fd_unchecked(timer)?,
            set: None,
        })
    }

    /// Waits until then. May be dropped while it waits, and asked for another instant.
    pub(crate) async fn at(&mut self, due: Instant) -> io::Result<()> {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.set != Some(due) {
                let once = Itimerspec {
                    it_interval: Timespec::default(),
                    it_value: Timespec::try_from(left).map_err(io::Error::other)?,
                };
                // Setting it takes back what it may have told.
                timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)?;
                self.set = Some(due);
            }
            self.timer.readable().await?;
            match self.timer.try_read(&mut [0; 8]) {
                // It has rung; whether for this instant is seen by the clock.
                Ok(_) => self.set = None,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_rings_when_it_should_and_can_be_set_anew() {
        let mut alarm = Alarm::new().expect("a timer");
        let start = Instant::now();
        alarm.at(start).await.expect("what is past is due");
        let later = start + Duration::from_secs(3600);
        tokio::select! {
            biased;
            _ = alarm.at(later) => panic!("an hour too early"),
            () = tokio::task::yield_now() => {}
        }
        for milliseconds in [20, 21, 40] {
            let due = start + Duration::from_millis(milliseconds);
            alarm.at(due).await.expect("it rings");
            assert!(Instant::now() >= due, "{milliseconds} ms");
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the hour is forgotten"
        );
    }
}
