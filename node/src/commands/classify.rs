//! `visiobook classify`: what trained heads say of texts.
//!
//! In: one JSON object with `text` a line. Out, a line each, in order: `{"labels": {name: probability}}`. One half is
//! the point of decision; where nothing reaches it, the likeliest label is the best guess. A text longer than the model
//! takes is cut into windows, and the mean of what is said of them is given, by tokens.

use gpu::stream::{Kind, Wanted};
use gpu::{DoubleEncoder, Encoder, Head, HeadFolder, HeadId, HeadInfo, HeadKind};
use serde_json::{Map, Value, json};

use super::Failure;
use super::texts::{Engine, Source};
use crate::config::Config;

/// Arguments of `classify`.
#[derive(clap::Args)]
pub struct Args {
    /// What is asked of each text
    #[arg(long, value_enum)]
    task: Task,
    /// In whose terms
    #[arg(long, value_enum, default_value_t = Labels::Goemotions)]
    labels: Labels,
    #[command(flatten)]
    source: Source,
}

/// What a head was trained for.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Task {
    /// Which emotions it expresses
    Emotion,
}

impl Task {
    /// The head's name.
    fn head(self) -> &'static str {
        match self {
            Self::Emotion => "emotion",
        }
    }
}

/// Sets of labels of the emotion head.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Labels {
    /// The 28 of GoEmotions, neutral among them
    Goemotions,
    /// Plutchik's eight
    Plutchik,
}

impl Labels {
    /// What stands before the names of its labels.
    fn prefix(self) -> &'static str {
        match self {
            Self::Goemotions => "goemotions/",
            Self::Plutchik => "plutchik/",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Exit code 2 for a line that is none; 1 for a model or a head that can't be used.
pub fn run(config: &Config, args: &Args) -> Result<(), Failure> {
    let name = args.task.head();
    let double = double_head(name, args.labels);
    let mut info = double.clone();
    let mut engine = Engine::load(config, DoubleEncoder::new().with_heads(vec![double]), |encoder, model| {
        let folder = HeadFolder::open(config.model.head(name), model)?;
        let head = folder.load(model, encoder.device(), encoder.profile())?;
        info = head.info().clone();
        encoder.attach(Box::new(head));
        Ok(())
    })?;
    let columns = columns(&info, args.labels.prefix());
    if columns.is_empty() {
        let folder = config.model.head(name);
        let message = format!("the head in {} has no labels {}…", folder.display(), args.labels.prefix());
        return Err(Failure::new(message));
    }
    let wanted = Wanted { kind: Kind::Passage, vectors: false, heads: vec![HeadId(0)] };
    engine.run(&args.source, &wanted, |answer| line(answer.scores.first().map_or(&[][..], Vec::as_slice), &columns))?;
    Ok(())
}

/// The labels of one set, and where they stand in a row.
fn columns(info: &HeadInfo, prefix: &str) -> Vec<(usize, String)> {
    let named = info.labels.iter().enumerate();
    named.filter_map(|(at, label)| Some((at, label.strip_prefix(prefix)?.to_owned()))).collect()
}

fn line(row: &[f32], columns: &[(usize, String)]) -> Value {
    let probability = |at: usize| row.get(at).copied().unwrap_or_default();
    let labels: Map<String, Value> =
        columns.iter().map(|(at, name)| (name.clone(), number(probability(*at)))).collect();
    json!({ "labels": labels })
}

/// In the fewest digits that are this very number.
fn number(probability: f32) -> Value {
    probability.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}

/// What the double scores in place of a trained head: two labels, for tests of everything around them.
fn double_head(name: &str, labels: Labels) -> HeadInfo {
    let label = |name: &str| format!("{}{name}", labels.prefix());
    HeadInfo { name: name.to_owned(), kind: HeadKind::SentenceLabels, labels: vec![label("joy"), label("fear")] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_labels_is_told_apart_by_what_stands_before_their_names() {
        let labels = ["goemotions/joy", "plutchik/joy", "plutchik/fear"].map(str::to_owned).to_vec();
        let info = HeadInfo { name: "emotion".into(), kind: HeadKind::SentenceLabels, labels };
        assert_eq!(columns(&info, "plutchik/"), [(1, "joy".to_owned()), (2, "fear".to_owned())]);
        let said = line(&[0.1, 0.5, 0.25], &columns(&info, "plutchik/")).to_string();
        assert_eq!(said, r#"{"labels":{"fear":0.25,"joy":0.5}}"#);
        assert_eq!(number(0.1).to_string(), "0.1");
    }
}
