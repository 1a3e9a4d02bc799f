//! Our side: every text once through the product's own stream, tokenizing included.

use std::time::Instant;

use anyhow::{Context, Result};
use domain::manifest::NumericProfile;
use gpu::stream::{self, Kind, Limits, Stats, TextAnswer, Wanted};
use gpu::{Cells, Lane, LanePlan, ModelFolder, Tokenizer};
use rustix::time::{ClockId, clock_gettime};

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub wall_s: f64,
    pub cpu_s: f64,
}

/// Our side in one numeric profile.
pub struct Side {
    pub profile: NumericProfile,
    pub lanes: Vec<Lane>,
    /// Vectors of the last run, one after the other.
    pub vectors: Vec<f32>,
}

impl Side {
    /// Loads the model, a lane a core.
    pub fn load(model: &ModelFolder, profile: NumericProfile, cores: usize) -> Result<Self> {
        let plan = LanePlan { cpu_workers: cores, cpu_padded_tokens: 512, gpu_padded_tokens: 0 };
        let cpu = gpu::devices().into_iter().filter(|info| info.device == gpu::Device::Cpu).collect::<Vec<_>>();
        let place = plan.places(&cpu).pop().context("the processor is a device")?;
        let lanes = gpu::lanes::load_place(model, profile, &place, |_| Ok(()))?;
        Ok(Self { profile, lanes, vectors: Vec::new() })
    }

    /// What each lane takes at once from now on.
    pub fn set_budget(&mut self, tokens: usize) {
        self.lanes.iter_mut().for_each(|lane| lane.cells = Cells::new(tokens));
    }

    /// Tokenizes and encodes every text.
    pub fn run(&mut self, tokenizer: &Tokenizer, texts: &[String]) -> Result<Run> {
        let (wall, cpu) = (Instant::now(), cpu_s());
        let mut vectors = Vec::new();
        encode(tokenizer, &mut self.lanes, texts.to_vec(), |answer| vectors.extend(answer.vector))?;
        let run = Run { wall_s: wall.elapsed().as_secs_f64(), cpu_s: cpu_s() - cpu };
        self.vectors = vectors;
        Ok(run)
    }
}

/// Runs texts through lanes.
pub fn encode(
    tokenizer: &Tokenizer,
    lanes: &mut [Lane],
    texts: Vec<String>,
    mut with: impl FnMut(TextAnswer),
) -> Result<Stats> {
    let wanted = Wanted { kind: Kind::Passage, vectors: true, heads: Vec::new() };
    let texts = texts.into_iter().map(Ok::<_, std::convert::Infallible>);
    Ok(stream::run(tokenizer, lanes, texts, &wanted, Limits::default(), &mut |answer| {
        with(answer);
        Ok(())
    })?)
}

/// Processor time of this process, all threads.
pub fn cpu_s() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
