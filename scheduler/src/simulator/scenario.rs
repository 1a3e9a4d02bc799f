//! What is simulated: devices, work, links and troubles.

use crate::config::Config;
use crate::cost::Cost;
use crate::item::Class;

/// One world. Together with a seed it fixes everything that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Stands in reports.
    pub name: &'static str,
    /// Of the core.
    pub config: Config,
    /// Devices at the beginning.
    pub devices: u32,
    /// Devices that share a node, and go with it.
    pub devices_per_node: u32,
    /// The fastest device is this many times as fast as the slowest; between them evenly on a log scale.
    pub speed_spread: f64,
    /// How far a batch's time strays from the cost model: deviation of its logarithm.
    pub noise: f64,
    /// What devices hold and say of their memory.
    pub memory: Memory,
    /// What there is to run. Every device runs every model unless its memory is too small.
    pub models: Vec<ModelProfile>,
    /// Who brings work.
    pub streams: Vec<Stream>,
    /// How messages travel.
    pub links: Links,
    /// What goes wrong, and how often.
    pub faults: Faults,
    /// Streams without a number of runs go on until so many events have happened; then troubles end, and all that was
    /// begun must come to an end.
    pub min_events: u64,
    /// Simulated time after which whatever is unfinished counts as stuck, ...
    pub limit_ms: u64,
    /// ... and the same since troubles ended.
    pub settle_ms: u64,
}

/// What a device says about its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Nothing; there is always enough.
    Plenty,
    /// Says all of it, truly. Giving such a device more than fits is a violation.
    Stated,
    /// Says nothing and has less than its offer claims: batches run out of memory until the core has learnt.
    Overstated,
}

/// One model as it really is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelProfile {
    /// On a device of speed 1.
    pub cost: Cost,
    /// What loading its weights takes.
    pub load_ms: u32,
    /// What they take up.
    pub weights_bytes: u64,
    /// Activations a padded token.
    pub bytes_per_padded_token: u32,
}

/// When runs come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    /// All at once, at the beginning.
    AtOnce,
    /// One by one, by chance.
    Poisson {
        /// Mean time between them.
        every_ms: f64,
    },
    /// Several at once, by chance.
    Bursts {
        /// Mean time between bursts.
        every_ms: f64,
        /// Runs in each.
        of: u32,
    },
}

/// Runs of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Stands in reports.
    pub name: &'static str,
    /// Who waits for them.
    pub class: Class,
    /// Tenants that bring them; none is shared with another stream.
    pub tenants: u32,
    /// By Zipf's law with this exponent; 0 for all alike.
    pub zipf: f64,
    /// How many runs; `None` for as many as come until [`Scenario::min_events`].
    pub runs: Option<u32>,
    /// When.
    pub arrivals: Arrivals,
    /// Items in each: from, to.
    pub items: (u32, u32),
    /// How long these are.
    pub lengths: Lengths,
    /// Which model; `None` for any, by chance, one a run.
    pub model: Option<u32>,
    /// Share of the runs whose items have a deadline, and how long after arrival: from, to.
    pub deadline: Option<(f64, u64, u64)>,
}

/// Lengths of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    /// As passages of books are: most nearly as long as a window allows, chapter ends short, dialogue in between.
    Passages,
    /// Lognormal around 120 tokens, to 512.
    Lognormal,
    /// Evenly between.
    Even(u32, u32),
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Links {
    /// Least delay.
    pub delay_us: u64,
    /// Mean of what chance adds to it.
    pub jitter_us: f64,
    /// Share of messages that come twice.
    pub duplicated: f64,
    /// Share that may overtake others, up to half a second late.
    pub reordered: f64,
    /// Share that never arrives though the link stands.
    pub dropped: f64,
}

/// Troubles; each time is a mean between two of a kind over the whole cluster, 0 for never.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// A worker's process dies, and comes back some seconds later.
    pub kill_every_ms: f64,
    /// A node with all its devices dies.
    pub node_kill_every_ms: f64,
    /// Share of the dead that don't come back.
    pub never_back: f64,
    /// A device stops answering in the middle of a batch.
    pub hang_every_ms: f64,
    /// A device is several times slower for some seconds.
    pub slow_every_ms: f64,
    /// Share of batches that take many times as long, once.
    pub straggling: f64,
    /// A worker and the leader can't reach each other for a while.
    pub partition_every_ms: f64,
    /// The leader dies; another one takes over.
    pub leader_loss_every_ms: f64,
    /// A coordinator dies; another one takes its run over.
    pub coordinator_loss_every_ms: f64,
    /// A run is cancelled.
    pub cancel_every_ms: f64,
    /// A tenant's weight changes.
    pub weight_every_ms: f64,
    /// A tenant gets a limit, or one that has it gets rid of it.
    pub limit_every_ms: f64,
    /// A worker is drained, leaves, and comes back.
    pub drain_every_ms: f64,
    /// Share of items that fail whatever batch they are in.
    pub poison: f64,
    /// Share of items that kill their worker.
    pub deadly: f64,
    /// Share of batches that fail for no reason of their items.
    pub flaky: f64,
    /// Share of batches that a worker doesn't take.
    pub rejected: f64,
}

impl Scenario {
    /// A quiet world: nothing goes wrong, memory is plenty, one model.
    pub fn quiet(name: &'static str, devices: u32) -> Self {
        Self {
            name,
            config: Config::default(),
            devices,
            devices_per_node: 4,
            speed_spread: 4.0,
            noise: 0.04,
            memory: Memory::Plenty,
            models: vec![ModelProfile::encoder()],
            streams: Vec::new(),
            links: Links { delay_us: 300, jitter_us: 200.0, duplicated: 0.0, reordered: 0.0, dropped: 0.0 },
            faults: Faults::default(),
            min_events: 0,
            limit_ms: 48 * 3_600_000,
            settle_ms: 2 * 3_600_000,
        }
    }

    /// Speeds of all devices together, in devices of speed 1; even on a log scale around 1.
    pub fn speed_of(&self, device: u32) -> f64 {
        // The golden ratio's multiples spread evenly whatever their number.
        let place = (f64::from(device) * 0.618_033_988_749_895).fract();
        self.speed_spread.max(1.0).powf(place - 0.5)
    }

    /// Mean device time of one item on a device of speed 1, in milliseconds.
    pub fn mean_item_ms(&self, lengths: Lengths, model: usize) -> f64 {
        let mut rng = super::rng::Rng::new(1, 99);
        let cost = self.models[model].cost;
        (0..512).map(|_| cost.item_ns(lengths.draw(&mut rng))).sum::<f64>() / 512.0 / 1e6
    }
}

impl ModelProfile {
    /// A small encoder on a middling processor: about 12 ms a passage.
    pub fn encoder() -> Self {
        Self {
            cost: Cost { ns_per_token: 40_000.0, ns_per_token_squared: 20.0 },
            load_ms: 1_500,
            weights_bytes: 500 << 20,
            bytes_per_padded_token: 100 << 10,
        }
    }
}

impl Lengths {
    /// One length, from 1 to 512.
    pub fn draw(self, rng: &mut super::rng::Rng) -> u32 {
        match self {
            Self::Lognormal => (120.0 * (0.8 * rng.normal()).exp()).clamp(4.0, 512.0) as u32,
            Self::Even(low, high) => rng.between(u64::from(low), u64::from(high)) as u32,
            Self::Passages => match rng.share() {
                share if share < 0.7 => (490.0 - rng.exponential(30.0)).clamp(16.0, 510.0) as u32,
                share if share < 0.9 => rng.between(120, 470) as u32,
                _ => rng.between(8, 160) as u32,
            },
        }
    }
}
