//! Hidden states of texts at a head's tap, computed once and kept in a file that is mapped, not read.
//!
//! The body below the tap never changes while a head is trained, so what it makes of a text does not either: an
//! epoch then costs the head's own layers alone.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use domain::id::Digest;
use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::{Ask, Device, Encoder, Head, HeadInfo, HeadKind, Hidden, ModelFolder, TchEncoder, Tokenizer};
use half::bf16;
use tch::{Kind, TchError, Tensor};

use crate::progress::Progress;

/// Tokens of a batch; on a processor more gain nothing.
const BATCH_TOKENS: usize = 2048;

/// The encoder at work on texts, and where its answers are kept.
pub struct Source {
    model: ModelFolder,
    tokenizer: Tokenizer,
    encoder: TchEncoder,
    cache: PathBuf,
    tap: usize,
}

/// Hidden states of some texts.
#[derive(Debug)]
pub struct Features {
    /// `[tokens of all texts, width]` in bfloat16.
    states: Tensor,
    starts: Vec<usize>,
    lens: Vec<usize>,
    /// Tokens before each text's own: the special one and the prompt's.
    pub before: usize,
    /// Tokens after them.
    pub after: usize,
}

impl Source {
    /// Loads the encoder; states are taken after `tap` of its layers and kept below `cache`.
    ///
    /// # Errors
    /// Where the model can't be loaded, or has fewer layers.
    pub fn open(model: ModelFolder, tap: usize, profile: NumericProfile, cache: &Path) -> Result<Self> {
        if tap > model.layers() {
            bail!("the encoder has {} layers, none to tap at {tap}", model.layers());
        }
        fs::create_dir_all(cache).with_context(|| format!("making {}", cache.display()))?;
        let tokenizer = Tokenizer::open(&model)?;
        let mut encoder = TchEncoder::load(&model, Device::Cpu, profile)?;
        let labels = (0..model.dim()).map(|i| i.to_string()).collect();
        let info = HeadInfo { name: "states".to_owned(), kind: HeadKind::TokenTags, labels };
        encoder.attach(Box::new(States { info, tap }));
        Ok(Self { model, tokenizer, encoder, cache: cache.to_owned(), tap })
    }

    /// The encoder's folder.
    pub fn model(&self) -> &ModelFolder {
        &self.model
    }

    /// The states of `texts`, from the cache where they are there. `name` is for people.
    ///
    /// # Errors
    /// Where the encoder fails or the cache can't be written.
    pub fn features(&self, name: &str, texts: &[String]) -> Result<Features> {
        Ok(self.open_or_run(name, texts, false)?.0)
    }

    /// The states of `texts` and the encoder's own vectors of them, of length one: `[texts, width]`.
    ///
    /// # Errors
    /// Where the encoder fails or the cache can't be written.
    pub fn features_and_vectors(&self, name: &str, texts: &[String]) -> Result<(Features, Tensor)> {
        let (features, vectors) = self.open_or_run(name, texts, true)?;
        let bytes = fs::read(&vectors).with_context(|| format!("reading {}", vectors.display()))?;
        let size = [texts.len() as i64, self.model.dim() as i64];
        Ok((features, Tensor::f_from_data_size(&bytes, &size, Kind::Float)?))
    }

    fn open_or_run(&self, name: &str, texts: &[String], vectors: bool) -> Result<(Features, PathBuf)> {
        let inputs = self.inputs(texts)?;
        let stem = self.cache.join(format!("{name}-{}", self.key(texts)));
        let (states_path, vectors_path) = (stem.with_extension("states"), stem.with_extension("vectors"));
        let lens: Vec<usize> = inputs.iter().map(|input| input.tokens.len()).collect();
        let width = self.model.dim();
        let states = lens.iter().sum::<usize>() * width;
        let whole = |path: &Path, bytes: usize| fs::metadata(path).is_ok_and(|found| found.len() == bytes as u64);
        if !whole(&states_path, states * 2) || vectors && !whole(&vectors_path, texts.len() * width * 4) {
            self.compute(name, &inputs, &states_path, vectors.then_some(&vectors_path))?;
        }
        let file = states_path.to_str().context("the cache's path is not UTF-8")?;
        let states = Tensor::f_from_file(file, false, states as i64, (Kind::BFloat16, tch::Device::Cpu))?;
        let starts = lens.iter().scan(0, |at, len| Some(std::mem::replace(at, *at + len))).collect();
        let bare = self.tokenizer.passage_input(&[&[7]]);
        let span = bare.spans.first().map_or((0, 0), |span| (usize::from(span.0), usize::from(span.1)));
        let (before, after) = (span.0, bare.tokens.len() - span.1);
        Ok((Features { states: states.f_view([-1, width as i64])?, starts, lens, before, after }, vectors_path))
    }

    /// The ids of each text's own pieces.
    ///
    /// # Errors
    /// The tokenizer's own.
    pub fn pieces(&self, texts: &[String]) -> Result<Vec<Vec<u32>>> {
        let own = |input: &PassageInput| match input.spans.first() {
            Some((start, end)) => input.tokens[usize::from(*start)..usize::from(*end)].to_vec(),
            None => Vec::new(),
        };
        Ok(self.inputs(texts)?.iter().map(own).collect())
    }

    fn inputs(&self, texts: &[String]) -> Result<Vec<PassageInput>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let ids = self.tokenizer.encode_batch(&texts)?;
        let most = self.tokenizer.max_tokens() - self.tokenizer.overhead_tokens();
        let input = |ids: &Vec<u32>| match ids.len().min(most) {
            0 => self.tokenizer.passage_input(&[]),
            len => self.tokenizer.passage_input(&[&ids[..len]]),
        };
        Ok(ids.iter().map(input).collect())
    }

    fn compute(&self, name: &str, inputs: &[PassageInput], states: &Path, vectors: Option<&PathBuf>) -> Result<()> {
        let width = self.model.dim();
        let starts: Vec<usize> =
            inputs.iter().scan(0, |at, input| Some(std::mem::replace(at, *at + input.tokens.len()))).collect();
        let tokens: usize = inputs.iter().map(|input| input.tokens.len()).sum();
        let mut rows = vec![bf16::ZERO; tokens * width];
        let mut own = vec![0f32; if vectors.is_some() { inputs.len() * width } else { 0 }];
        let ask = Ask { vectors: vectors.is_some(), ..Ask::head(gpu::HeadId(0)) };
        self.each(name, inputs, &ask, |place, answers, at| {
            let to = rows[starts[place] * width..].iter_mut();
            to.zip(answers.scores[0].of(at).flatten()).for_each(|(to, from)| *to = bf16::from_f32(*from));
            if let Some(vector) = answers.vectors.get(at) {
                let to = own[place * width..].iter_mut();
                to.zip(&vector.passage).for_each(|(to, bits)| *to = half::f16::from_bits(*bits).to_f32());
            }
        })?;
        if let Some(path) = vectors {
            write_whole(path, |file| own.iter().try_for_each(|x| file.write_all(&x.to_le_bytes())))?;
        }
        write_whole(states, |file| rows.iter().try_for_each(|x| file.write_all(&x.to_bits().to_le_bytes())))
    }

    /// Runs all inputs, a core each batch, and hands each one's answers on: its place, the batch's answers, its place
    /// in the batch.
    fn each(
        &self,
        name: &str,
        inputs: &[PassageInput],
        ask: &Ask,
        mut take: impl FnMut(usize, &gpu::Answers, usize),
    ) -> Result<()> {
        let lens: Vec<usize> = inputs.iter().map(|input| input.tokens.len()).collect();
        let mut progress = Progress::new(&format!("encoding {name}"), lens.iter().sum());
        let batches = gpu::plan::batches(&lens, BATCH_TOKENS);
        let lanes = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let (tell, told) = std::sync::mpsc::sync_channel(lanes);
            for lane in 0..lanes {
                let (mut encoder, tell, batches) = (self.encoder.share(), tell.clone(), &batches);
                scope.spawn(move || {
                    for batch in batches.iter().skip(lane).step_by(lanes) {
                        let run: Vec<PassageInput> = batch.iter().map(|place| inputs[*place].clone()).collect();
                        // Nobody listens any more where another lane failed.
                        if tell.send((batch, encoder.run(&run, ask))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(tell);
            for (batch, answers) in told {
                let answers = answers?;
                batch.iter().enumerate().for_each(|(at, place)| take(*place, &answers, at));
                progress.advance(batch.iter().map(|place| lens[*place]).sum());
            }
            Ok(())
        })
    }

    fn key(&self, texts: &[String]) -> String {
        let (profile, tap) = (self.encoder.profile().name(), self.tap);
        let all = format!("{} {profile} tap {tap}\n{}", self.model.digest(), texts.join("\n"));
        Digest::of(all.as_bytes()).to_string()[..16].to_owned()
    }
}

impl Features {
    /// Texts.
    pub fn len(&self) -> usize {
        self.lens.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.lens.is_empty()
    }

    /// Tokens of each text, those around it included.
    pub fn lens(&self) -> &[usize] {
        &self.lens
    }

    /// The states of these texts, one after the other: `[tokens, width]`.
    ///
    /// # Errors
    /// libtorch's own.
    pub fn gather(&self, places: &[usize]) -> Result<Tensor, TchError> {
        let rows = places.iter().map(|p| self.states.f_narrow(0, self.starts[*p] as i64, self.lens[*p] as i64));
        Tensor::f_cat(&rows.collect::<Result<Vec<_>, _>>()?, 0)
    }
}

/// Writes a file beside its place and moves it there.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<fs::File>) -> std::io::Result<()>,
) -> Result<()> {
    let beside = path.with_extension(format!("part-{}", std::process::id()));
    let run = || {
        let mut file = BufWriter::new(fs::File::create(&beside)?);
        write(&mut file)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, path)
    };
    run().with_context(|| format!("writing {}", path.display()))
}

/// A head that gives what it reads.
#[derive(Clone, Debug)]
struct States {
    info: HeadInfo,
    tap: usize,
}

impl Head for States {
    fn info(&self) -> &HeadInfo {
        &self.info
    }

    fn tap(&self) -> usize {
        self.tap
    }

    fn share(&self) -> Box<dyn Head> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn run(&self, hidden: &Hidden<'_>) -> Result<Tensor, TchError> {
        hidden.tokens()
    }
}
