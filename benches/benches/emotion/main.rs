//! The emotion head on its data, beside the reference: GoEmotions' dev as the product computes it, and the French
//! film lines, cross-validated, beside TF-IDF and linear support vector machines on the same splits.
//!
//! `cargo xtask eval emotion [--data DIR] [--weights DIR]`
//!
//! Folds are trained by the recipe and seed that the head's card names, where the cache has not got them: minutes.
//! Where the scorer lies beside the data, it is asked too, and must say the same to a tenth of a point.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use domain::manifest::NumericProfile;
use gpu::{Ask, Device, Encoder, Head, HeadFolder, ModelFolder, TchEncoder, Tokenizer};
use serde::Deserialize;
use train::data::{Emotions, PLUTCHIK};
use train::make::Job;
use train::measure;
use train::metrics::f1;

/// Padded tokens of a batch.
const BATCH_TOKENS: usize = 2048;
/// How far above the reference the French lines have to be.
const ABOVE: f64 = 0.03;
/// The scorer and this must agree to a tenth of a point.
const AGREEMENT: f64 = 0.001;

struct Options {
    data: PathBuf,
    weights: PathBuf,
    cache: PathBuf,
}

/// What the reference says of the French lines.
#[derive(Deserialize)]
struct Reference {
    name: String,
    choices: Vec<String>,
    says: Vec<u32>,
}

struct Row {
    what: String,
    ours: f64,
    bar: f64,
    note: String,
}

fn main() -> Result<()> {
    let options = options()?;
    let data = Emotions::read(&options.data)?;
    let model_path = std::env::var_os("VISIOBOOK_MODEL").context("VISIOBOOK_MODEL names the encoder's folder")?;
    let model = ModelFolder::open(&model_path)?;
    let head = HeadFolder::open(&options.weights, &model)?;
    println!(
        "{}: seed {}, weights {}",
        options.weights.display(),
        head.card().made["seed"],
        head.card().weights.sha256
    );

    let rows = classify(&model, &head, &data)?;
    let (fine, coarse) = measure::score_goemotions(&data, &rows)?;
    let mut table = vec![
        Row {
            what: "GoEmotions dev, 28 labels".into(),
            ours: fine.macro_f1,
            bar: 0.42,
            note: "paper's BERT-base 0.46".into(),
        },
        Row {
            what: "GoEmotions dev, Ekman".into(),
            ours: coarse.macro_f1,
            bar: 0.58,
            note: "paper's BERT-base 0.64".into(),
        },
    ];
    ask_scorer(&options, &data, &rows, &table)?;

    let recipe = serde_json::from_value(head.card().made["recipe"].clone()).context("the card's recipe")?;
    let seed = head.card().made["seed"].as_u64().context("the card's seed")?;
    let (data_folder, cache) = (options.data.clone(), options.cache.clone());
    let checkpoint_every = Duration::from_secs(90);
    let job = Job { recipe, seed, data: data_folder, model: model_path.into(), cache, checkpoint_every };
    let opened = job.open()?;
    let states = opened.bench.film(&job.train(&opened)?)?;
    let ours = measure::french(&opened.bench, &job.cross_validate(&opened.bench, &states)?);
    println!("\nXED French, {} folds, by label:", job.recipe.folds);
    PLUTCHIK.iter().zip(&ours.labels).for_each(|(name, f1)| println!("  {name:13} {f1:.3}"));
    for (index, reference) in reference(&options, &data, &opened.bench.folds)?.into_iter().enumerate() {
        let theirs = f1(&data.french.labels, &reference.says, PLUTCHIK.len()).macro_f1;
        println!("reference, {}: {theirs:.3} ({})", reference.name, reference.choices.join("; "));
        let note = format!("TF-IDF + LinearSVC, {}: {theirs:.3}", reference.name);
        // The issue names words; letters make it stronger, and are shown beside it.
        let bar = if index == 0 { theirs + ABOVE } else { theirs };
        table.push(Row { what: "XED French, cross-validated".into(), ours: ours.macro_f1, bar, note });
    }

    println!("\n{:32} {:>8} {:>8}", "macro F1", "head", "bar");
    for row in &table {
        let kept = if row.ours >= row.bar { "kept  " } else { "MISSED" };
        println!("{:32} {:8.3} {:8.3} {kept} {}", row.what, row.ours, row.bar, row.note);
    }
    ensure!(table.iter().all(|row| row.ours >= row.bar), "below a bar");
    Ok(())
}

fn options() -> Result<Options> {
    let mut args = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let (mut data, mut weights, mut cache) = (None, None, None);
    while let Some(arg) = args.next() {
        let place = match arg.as_str() {
            "--data" => &mut data,
            "--weights" => &mut weights,
            "--cache" => &mut cache,
            other => bail!("{other}? known are --data, --weights and --cache, a folder each"),
        };
        *place = Some(PathBuf::from(args.next().with_context(|| format!("{arg} names a folder"))?));
    }
    let missing = "`cargo xtask eval emotion` names --data, --weights and --cache";
    Ok(Options { data: data.context(missing)?, weights: weights.context(missing)?, cache: cache.context(missing)? })
}

/// Probabilities of dev's texts, as the product computes them.
fn classify(model: &ModelFolder, head: &HeadFolder, data: &Emotions) -> Result<Vec<Vec<f32>>> {
    let info = gpu::devices().remove(0);
    let profile: NumericProfile = gpu::best_profile(&info);
    let mut encoder = TchEncoder::load(model, Device::Cpu, profile)?;
    let loaded = head.load(model, Device::Cpu, profile)?;
    let (own, all) = (head.card().layers, model.layers());
    let share = 100.0 * own as f64 / all as f64;
    println!(
        "cost: {own} layers of its own after {} of the encoder's {all}, {share:.0} % of a pass more; {:.1} MB in {}",
        head.card().tap,
        loaded.bytes() as f64 / 1e6,
        profile.name()
    );
    let id = encoder.attach(Box::new(loaded));
    let tokenizer = Tokenizer::open(model)?;
    let texts: Vec<&str> = data.dev.texts.iter().map(String::as_str).collect();
    let ids = tokenizer.encode_batch(&texts)?;
    let inputs: Vec<_> = ids.iter().map(|ids| tokenizer.passage_input(&[ids])).collect();
    let lens: Vec<usize> = inputs.iter().map(|input| input.tokens.len()).collect();
    let mut rows = vec![Vec::new(); inputs.len()];
    for batch in gpu::plan::batches(&lens, BATCH_TOKENS) {
        let run: Vec<_> = batch.iter().map(|place| inputs[*place].clone()).collect();
        let answers = encoder.run(&run, &Ask::head(id))?;
        for (at, place) in batch.iter().enumerate() {
            let row = answers.scores[0].of(at).next().context("a row a text")?;
            rows[*place] = row[..data.names.len()].to_vec();
        }
    }
    Ok(rows)
}

/// Has the scorer beside the data, if it is there, say the same of the same probabilities.
fn ask_scorer(options: &Options, data: &Emotions, rows: &[Vec<f32>], table: &[Row]) -> Result<()> {
    let scorer = options.data.join("../score/emotion.py");
    if !scorer.exists() {
        println!("skipped: there is no scorer at {}", scorer.display());
        return Ok(());
    }
    let path = scratch()?.join("goemotions-dev.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    for row in rows {
        let labels: serde_json::Map<_, _> =
            data.names.iter().zip(row).map(|(name, p)| (name.clone(), serde_json::json!(p))).collect();
        writeln!(file, "{}", serde_json::json!({ "labels": labels }))?;
    }
    file.into_inner()?;
    for (set, row) in ["goemotions", "ekman"].into_iter().zip(table) {
        let gold = options.data.join("emotion/goemotions_dev.tsv");
        let output = Command::new("python3").arg(&scorer).arg(gold).arg(&path).args(["--set", set]).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let last =
            said.lines().last().and_then(|line| line.strip_prefix("macro F1 ")).context("the scorer's last line")?;
        let theirs: f64 = last.split_whitespace().next().unwrap_or_default().parse()?;
        println!("the scorer on {set}: {theirs:.3}, here {:.4}", row.ours);
        ensure!((theirs - row.ours).abs() <= AGREEMENT, "the scorer says something else");
    }
    Ok(())
}

/// The reference in an environment of its own.
fn reference(options: &Options, data: &Emotions, folds: &[usize]) -> Result<Vec<Reference>> {
    let peers = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
    let python = benches::python::environment(
        &options.cache,
        "scikit-learn",
        &format!("{peers}/emotion.txt"),
        "the reference of the emotion head",
    )?;
    let path = scratch()?.join("xed-fr.jsonl");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path)?);
    for ((text, bits), fold) in data.french.texts.iter().zip(&data.french.labels).zip(folds) {
        let labels: Vec<usize> = (0..PLUTCHIK.len()).filter(|label| bits >> label & 1 == 1).collect();
        writeln!(file, "{}", serde_json::json!({ "text": text, "labels": labels, "fold": fold }))?;
    }
    file.into_inner()?;
    println!("\nthe reference learns (a minute or two) …");
    let output = Command::new(python).arg(format!("{peers}/emotion.py")).arg(&path).output()?;
    ensure!(output.status.success(), "the reference failed: {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout)?;
    said.lines().map(|line| serde_json::from_str(line).context("the reference's answer")).collect()
}

fn scratch() -> Result<&'static Path> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}
