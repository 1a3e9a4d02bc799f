//! What costs something to measure, and is asked for by whoever likes: measured at most once a second, for all of them.

use std::sync::Arc;
use std::time::Duration;

use cluster::body::Fault;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How old a measurement may be.
const EVERY: Duration = Duration::from_secs(1);

/// What was measured, and when.
type Measured<T> = (Instant, Result<T, Fault>);

/// The last measurement, and how old it may be.
pub struct Lately<T> {
    last: Arc<Mutex<Option<Measured<T>>>>,
    every: Duration,
}

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self { last: Arc::default(), every: EVERY }
    }
}

impl<T: Clone + Send + 'static> Lately<T> {
    /// The last measurement and its age; `measure` is asked for another one where that is too old. Whoever comes
    /// meanwhile waits for it. A failure is told as long as anything else is.
    ///
    /// # Errors
    /// What `measure` says.
    pub async fn get(
        &self,
        measure: impl Future<Output = Result<T, Fault>> + Send + 'static,
    ) -> Result<(T, Duration), Fault> {
        let (last, every) = (Arc::clone(&self.last), self.every);
        // A task of its own: whoever asks and goes away must not have the next one measure again.
        let looked = tokio::spawn(async move {
            let mut last = last.lock().await;
            if let Some((at, found)) = last.as_ref() {
                let age = at.elapsed();
                if age < every {
                    return (found.clone(), age);
                }
            }
            let found = measure.await;
            *last = Some((Instant::now(), found.clone()));
            (found, Duration::ZERO)
        });
        let (found, age) = looked.await.map_err(|_| Fault::new("internal", "nothing could be measured"))?;
        found.map(|found| (found, age))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn within(every: Duration) -> (Lately<u32>, Arc<AtomicU32>) {
        (Lately { last: Arc::default(), every }, Arc::default())
    }

    /// Measures by counting, which takes a moment.
    async fn count(counted: Arc<AtomicU32>) -> Result<u32, Fault> {
        let found = counted.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(found)
    }

    #[tokio::test]
    async fn all_who_ask_while_a_measurement_is_new_share_it_and_are_told_its_age() {
        let (lately, counted) = within(Duration::from_secs(3_600));
        let asked = (0..100).map(|_| lately.get(count(counted.clone())));
        for found in futures_util::future::join_all(asked).await {
            assert_eq!(found.unwrap().0, 1);
        }
        let first = lately.get(count(counted.clone())).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        let second = lately.get(count(counted.clone())).await.unwrap();
        assert_eq!((first.0, second.0), (1, 1));
        assert!(second.1 >= first.1 + Duration::from_millis(5), "it grows older");
    }

    #[tokio::test]
    async fn one_that_is_too_old_is_measured_again() {
        let (lately, counted) = within(Duration::ZERO);
        for time in 1..=3 {
            assert_eq!(lately.get(count(counted.clone())).await, Ok((time, Duration::ZERO)));
        }
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_measurement_to_the_others() {
        let (lately, counted) = within(Duration::from_secs(3_600));
        for _ in 0..20 {
            let gone = tokio::time::timeout(Duration::from_millis(1), lately.get(count(counted.clone())));
            let _ = gone.await;
        }
        assert_eq!(lately.get(count(counted.clone())).await.unwrap().0, 1);
        assert_eq!(counted.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_shared_too() {
        let (lately, _) = within(Duration::from_secs(3_600));
        let fault = Fault::new("unavailable", "away");
        let refused = fault.clone();
        assert_eq!(lately.get(async move { Err(refused) }).await, Err(fault.clone()));
        assert_eq!(lately.get(async { Ok(1) }).await, Err(fault));
    }
}
