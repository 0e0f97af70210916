//! One node's share of the simulated machine: files of its own, and a clock that may be wrong.

use std::convert::Infallible;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use commonware_runtime::telemetry::metrics::{Metric, Registered};
use commonware_runtime::{
    BlobVersion, Clock, Error, Handle, Metrics, Name, Spawner, Storage, Supervisor, deterministic,
    signal,
};
use rand_core::{TryCryptoRng, TryRng};

/// What tells one node of a simulation from the others.
#[derive(Default)]
pub(super) struct Place {
    /// Begins the names of the node's files.
    pub prefix: String,
    /// How far the node's clock is ahead, in milliseconds.
    pub ahead: AtomicI64,
}

impl Place {
    /// What the node's clock shows at `time`.
    pub(super) fn shown(&self, time: SystemTime) -> SystemTime {
        shift(time, self.ahead.load(Ordering::Relaxed))
    }

    /// When the node's clock shows `time`.
    fn real(&self, time: SystemTime) -> SystemTime {
        shift(time, -self.ahead.load(Ordering::Relaxed))
    }
}

fn shift(time: SystemTime, ahead: i64) -> SystemTime {
    let by = Duration::from_millis(ahead.unsigned_abs());
    let shifted = if ahead > 0 {
        time.checked_add(by)
    } else {
        time.checked_sub(by)
    };
    // The engine has times for "never" that nothing can be added to.
    shifted.unwrap_or(time)
}

/// The deterministic run-time as one node sees it.
pub(crate) struct Context {
    inner: deterministic::Context,
    place: Arc<Place>,
}

impl Context {
    pub(super) fn new(inner: deterministic::Context, place: Arc<Place>) -> Self {
        Self { inner, place }
    }

    fn partition(&self, name: &str) -> String {
        format!("{}-{name}", self.place.prefix)
    }

    fn with(&self, inner: deterministic::Context) -> Self {
        Self::new(inner, self.place.clone())
    }
}

impl Supervisor for Context {
    fn name(&self) -> Name {
        self.inner.name()
    }

    fn child(&self, label: &'static str) -> Self {
        self.with(self.inner.child(label))
    }

    fn with_attribute(self, key: &'static str, value: impl std::fmt::Display) -> Self {
        Self::new(self.inner.with_attribute(key, value), self.place)
    }
}

impl Spawner for Context {
    fn shared(self, blocking: bool) -> Self {
        Self::new(self.inner.shared(blocking), self.place)
    }

    fn dedicated(self) -> Self {
        Self::new(self.inner.dedicated(), self.place)
    }

    fn spawn<F, Fut, T>(self, task: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let place = self.place;
        self.inner.spawn(move |inner| task(Self::new(inner, place)))
    }

    async fn stop(self, value: i32, timeout: Option<Duration>) -> Result<(), Error> {
        self.inner.stop(value, timeout).await
    }

    fn stopped(&self) -> signal::Signal {
        self.inner.stopped()
    }
}

impl Metrics for Context {
    fn register<N: Into<String>, H: Into<String>, M: Metric>(
        &self,
        name: N,
        help: H,
        metric: M,
    ) -> Registered<M> {
        self.inner.register(name, help, metric)
    }

    fn encode(&self) -> String {
        self.inner.encode()
    }
}

impl Clock for Context {
    fn current(&self) -> SystemTime {
        self.place.shown(self.inner.current())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.inner.sleep(duration)
    }

    fn sleep_until(
        &self,
        deadline: SystemTime,
    ) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.inner.sleep_until(self.place.real(deadline))
    }
}

impl governor::clock::Clock for Context {
    type Instant = SystemTime;

    fn now(&self) -> SystemTime {
        self.current()
    }
}

impl governor::clock::ReasonablyRealtime for Context {}

impl TryRng for Context {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.inner.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.inner.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.inner.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Context {}

impl Storage for Context {
    type Blob = <deterministic::Context as Storage>::Blob;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(Self::Blob, u64, BlobVersion), Error> {
        let partition = self.partition(partition);
        self.inner.open_versioned(&partition, name, versions).await
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        self.inner.remove(&self.partition(partition), name).await
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        self.inner.scan(&self.partition(partition)).await
    }
}
