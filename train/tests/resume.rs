//! The whole program on a tiny encoder and a handful of texts: what it leaves, and what a kill costs.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

#[path = "../../gpu/tests/common/mod.rs"]
mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use common::write_tiny_model;
use domain::manifest::NumericProfile;
use gpu::{Ask, Device, Encoder, HeadFolder, ModelFolder, TchEncoder, Tokenizer};
use train::make::Job;
use train::recipe::Recipe;

/// GoEmotions has 28 labels; the tiny set has these, and no line is neutral.
const LABELS: &str = "joy\nanger\nfear\nneutral\n";

struct Workshop {
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new(epochs: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder };
        fs::create_dir_all(this.path("data/emotion")).unwrap();
        fs::create_dir_all(this.path("model")).unwrap();
        write_tiny_model(&this.path("model"), "bert", "");
        fs::write(this.path("data/emotion/goemotions_labels.txt"), LABELS).unwrap();
        // A word stands for a label.
        let lines = |count: usize, labels: usize, first: usize| -> String {
            let line = |i: usize| {
                let label = (i * 7 + i / 3) % labels;
                let filler: String = (0..i % 5).map(|j| format!(" w{}", 20 + (i + j) % 25)).collect();
                format!("w{}{filler}\t{}\tid{i}\n", 5 + label, first + label)
            };
            (0..count).map(line).collect()
        };
        fs::write(this.path("data/emotion/goemotions_train.tsv"), lines(240, 3, 0)).unwrap();
        fs::write(this.path("data/emotion/goemotions_dev.tsv"), lines(60, 3, 0)).unwrap();
        fs::write(this.path("data/emotion/xed_en.tsv"), lines(120, 8, 1)).unwrap();
        fs::write(this.path("data/emotion/xed_fr.tsv"), lines(120, 8, 1)).unwrap();
        let mut recipe = Recipe { tap: 1, first: 1, layers: 1, rows_rate: 1.0, folds: 2, ..Recipe::default() };
        recipe.broad = train::fit::Schedule { epochs, rate: 1e-2, batch_tokens: 64, ..recipe.broad.clone() };
        fs::write(this.path("recipe.json"), serde_json::to_vec(&recipe).unwrap()).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, to keep its stages in `cache` and to leave the head in `out`.
    fn program(&self, cache: &str, out: &str, seed: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_train"));
        command.args(["emotion", "--seed", seed]);
        for (name, path) in [("--data", "data"), ("--model", "model"), ("--recipe", "recipe.json")] {
            command.arg(name).arg(self.path(path));
        }
        command.arg("--cache").arg(self.path(cache)).arg("--out").arg(self.path(out));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn weights(&self, out: &str) -> Vec<u8> {
        fs::read(self.path(out).join("emotion.safetensors")).unwrap()
    }
}

/// Which checkpoint lies in a folder; each one that is written is another one.
fn checkpoint(folder: &Path) -> Option<(u64, i64, i64)> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files = files.map(|file| file.path()).filter(|path| path.extension().is_some_and(|e| e == "checkpoint"));
    let file = fs::metadata(files.next()?).ok()?;
    Some((file.ino(), file.mtime(), file.mtime_nsec()))
}

/// Kills the program once so many checkpoints of its own were seen; how it ended if it was done before.
fn kill_after(running: &mut Child, folder: &Path, checkpoints: usize) -> Option<ExitStatus> {
    let deadline = Instant::now() + Duration::from_secs(120);
    let (mut last, mut seen) = (checkpoint(folder), 0);
    while seen < checkpoints {
        assert!(Instant::now() < deadline, "it writes no checkpoints");
        if let Some(status) = running.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_micros(200));
        let now = checkpoint(folder);
        seen += usize::from(now.is_some() && now != last);
        last = now;
    }
    running.kill().unwrap();
    running.wait().unwrap();
    None
}

#[test]
fn killed_at_any_time_the_same_command_goes_on_to_the_same_bytes() {
    let shop = Workshop::new(12);
    assert!(shop.program("whole", "head", "1").status().unwrap().success());

    // A checkpoint at each of some 240 steps: each start is killed with steps of its own behind it.
    for checkpoints in [1, 5, 25] {
        let mut running = shop.program("killed", "again", "1").args(["--checkpoint-ms", "0"]).spawn().unwrap();
        let ended = kill_after(&mut running, &shop.path("killed"), checkpoints);
        assert!(ended.is_none(), "it ended before it had written {checkpoints}: {ended:?}");
        assert!(!shop.path("again").join("emotion.safetensors").exists());
    }
    assert!(shop.program("killed", "again", "1").status().unwrap().success());
    assert_eq!(shop.weights("head"), shop.weights("again"));
    assert_eq!(checkpoint(&shop.path("killed")), None, "what a stage leaves is its result alone");

    assert!(shop.program("whole", "other", "2").status().unwrap().success());
    assert_ne!(shop.weights("head"), shop.weights("other"), "another seed gives other weights");
}

#[test]
fn the_head_that_is_written_is_one_that_the_product_runs_and_says_what_it_learnt() {
    let shop = Workshop::new(60);
    assert!(shop.program("cache", "head", "1").status().unwrap().success());
    let model = ModelFolder::open(shop.path("model")).unwrap();
    let head = HeadFolder::open(shop.path("head"), &model).unwrap();
    assert_eq!(head.card().labels.len(), 4 + 8);
    assert_eq!(head.card().labels[..2], ["goemotions/joy", "goemotions/anger"]);
    assert_eq!(head.card().labels[4], "plutchik/anger");
    assert_eq!(head.card().made["seed"], 1);

    let mut encoder = TchEncoder::load(&model, Device::Cpu, NumericProfile::F32).unwrap();
    let id = encoder.attach(Box::new(head.load(&model, Device::Cpu, NumericProfile::F32).unwrap()));
    let tokenizer = Tokenizer::open(&model).unwrap();
    let mut said: Vec<Vec<f32>> = Vec::new();
    for label in 0..3 {
        let ids = tokenizer.encode_batch(&[&format!("w{} w21 w33", 5 + label)]).unwrap();
        let answers = encoder.run(&[tokenizer.passage_input(&[&ids[0]])], &Ask::head(id)).unwrap();
        let row = answers.scores[0].of(0).next().unwrap();
        said.push(row[..3].to_vec());
    }
    let alone = |label: usize| (0..3).all(|other| (said[label][other] >= 0.5) == (other == label));
    assert!((0..3).all(alone), "each word says its label and no other: {said:?}");

    // The product's layers and the trained ones compute the same, but for the label's scale and shift; and for the
    // trained ones' products, which are bfloat16's.
    let recipe = serde_json::from_slice(&fs::read(shop.path("recipe.json")).unwrap()).unwrap();
    let checkpoint_every = Duration::from_secs(90);
    let (data, model_path, cache) = (shop.path("data"), shop.path("model"), shop.path("cache"));
    let job = Job { recipe, seed: 1, data, model: model_path, cache, checkpoint_every };
    let opened = job.open().unwrap();
    let texts = &opened.bench.data.dev.texts;
    let net = job.train(&opened).unwrap();
    let places: Vec<usize> = (0..texts.len()).collect();
    let trained = train::fit::predict(&net, &opened.bench.dev, &places, "goemotions").unwrap();
    let strs: Vec<&str> = texts.iter().map(String::as_str).collect();
    let inputs: Vec<_> =
        tokenizer.encode_batch(&strs).unwrap().iter().map(|ids| tokenizer.passage_input(&[ids])).collect();
    let answers = encoder.run(&inputs, &Ask::head(id)).unwrap();
    for label in [0, 1, 2] {
        let ours: Vec<f64> = places.iter().map(|at| f64::from(trained[*at][label])).collect();
        let odds = |p: f32| (f64::from(p) / (1.0 - f64::from(p))).ln();
        let theirs: Vec<f64> = places.iter().map(|at| odds(answers.scores[0].of(*at).next().unwrap()[label])).collect();
        assert!(correlation(&ours, &theirs) > 0.995, "{label}: {}", correlation(&ours, &theirs));
    }
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let sum = |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(|x, y| x * y) / (sum(|x, _| x * x) * sum(|_, y| y * y)).sqrt()
}

#[test]
fn data_that_are_not_there_are_told_in_one_sentence() {
    let shop = Workshop::new(1);
    fs::remove_dir_all(shop.path("data")).unwrap();
    let output = shop.program("cache", "head", "1").stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("there is no") && said.contains("--data"), "{said}");
}
