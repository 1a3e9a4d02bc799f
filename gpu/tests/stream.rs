//! Texts through lanes: in order, whatever their number and lengths, with what does not fit run as less.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::stream::{self, Kind, Limits, StreamError, TextAnswer, Wanted};
use gpu::{
    Answers, Ask, Cells, Device, DoubleEncoder, EncodeError, Encoder, HeadId, HeadInfo, HeadKind, Lane, MemoryReport,
    Tokenizer,
};

type Outcome = Result<stream::Stats, StreamError<String>>;

/// A double whose memory holds `most` padded tokens, which can't encode one token, and whose first batch waits for a
/// word.
struct Small {
    double: DoubleEncoder,
    most: usize,
    poison: Option<u32>,
    gate: Option<mpsc::Receiver<()>>,
}

impl Encoder for Small {
    fn dim(&self) -> usize {
        self.double.dim()
    }

    fn profile(&self) -> NumericProfile {
        self.double.profile()
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.double.heads()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        if let Some(gate) = self.gate.take() {
            gate.recv().unwrap();
        }
        let longest = batch.iter().map(|input| input.tokens.len()).max().unwrap_or(0);
        if longest * batch.len() > self.most {
            return Err(EncodeError::OutOfMemory { reason: "it is small".into() });
        }
        if let Some(index) = batch.iter().position(|input| input.tokens.iter().any(|id| Some(*id) == self.poison)) {
            return Err(EncodeError::BadInput { index, reason: "poison".into() });
        }
        self.double.run(batch, ask)
    }

    fn memory(&self) -> MemoryReport {
        self.double.memory()
    }
}

fn lane(encoder: impl Encoder + 'static, padded_tokens: usize) -> Lane {
    Lane { device: Device::Cpu, encoder: Box::new(encoder), cells: Cells::new(padded_tokens) }
}

fn small(most: usize, poison: Option<u32>) -> Small {
    Small { double: DoubleEncoder::new(), most, poison, gate: None }
}

fn vectors() -> Wanted {
    Wanted { kind: Kind::Passage, vectors: true, heads: Vec::new() }
}

fn run(lanes: &mut [Lane], texts: Vec<Result<String, String>>, limits: Limits) -> (Outcome, Vec<TextAnswer>) {
    let mut answers = Vec::new();
    let ended = stream::run(&Tokenizer::double(), lanes, texts.into_iter(), &vectors(), limits, &mut |answer| {
        answers.push(answer);
        Ok(())
    });
    (ended, answers)
}

fn texts(count: usize) -> Vec<Result<String, String>> {
    (0..count).map(|i| Ok(format!("word{i} ").repeat(1 + (i * 7919) % 60))).collect()
}

fn alone(text: &str) -> Vec<f32> {
    let (ended, mut answers) = run(&mut [lane(DoubleEncoder::new(), 512)], vec![Ok(text.into())], Limits::default());
    ended.unwrap();
    answers.remove(0).vector
}

#[test]
fn answers_come_in_the_order_of_the_texts_from_several_lanes() {
    let slow = DoubleEncoder::with_delay(Duration::from_millis(2));
    let mut lanes = [lane(slow, 300), lane(DoubleEncoder::new(), 512), lane(DoubleEncoder::new(), 64)];
    let (ended, answers) = run(&mut lanes, texts(2_000), Limits { texts: 300, tokens: 8_000 });
    let stats = ended.unwrap();
    assert_eq!(answers.iter().map(|answer| answer.place).collect::<Vec<_>>(), (0..2_000).collect::<Vec<_>>());
    for place in [0, 1, 777, 1_999] {
        assert_eq!(answers[place].vector, alone(texts(2_000)[place].as_ref().unwrap()), "text {place}");
    }
    assert_eq!((stats.texts, stats.split), (2_000, 0));
    assert_eq!(stats.tokens, answers.iter().map(|answer| answer.tokens).sum::<usize>());
    assert_eq!(stats.padding, 0.0);
}

/// Times that a cell of 4,096 tokens is halved until it is at most 200.
const HALVINGS: usize = 5;

#[test]
fn what_does_not_fit_runs_as_halves_and_the_lane_learns_from_it() {
    let (open, gate) = mpsc::channel();
    let mut lanes = [lane(Small { gate: Some(gate), ..small(200, None) }, 4_096)];
    // The first batch waits for this text to be read; by then the next ones have a full cell to take from.
    let texts = |open: Option<mpsc::Sender<()>>| {
        (0..2_000).map(move |i| {
            if i == 1_024 + 256 + 200 {
                open.iter().for_each(|open| open.send(()).unwrap());
            }
            Ok::<_, String>(format!("word{i} ").repeat(30))
        })
    };
    let mut tokens = Vec::new();
    let mut sink = |answer: TextAnswer| {
        tokens.push(answer.tokens);
        Ok(())
    };
    let tokenizer = Tokenizer::double();
    let first = stream::run(&tokenizer, &mut lanes, texts(Some(open)), &vectors(), Limits::default(), &mut sink);
    let split = first.unwrap().split;
    assert!((1..=HALVINGS).contains(&split), "{split}: what waits is cut by what was learnt meanwhile");
    let again = stream::run(&tokenizer, &mut lanes, texts(None), &vectors(), Limits::default(), &mut sink);
    assert_eq!(again.unwrap().split, 0, "it has learnt");
    assert_eq!(tokens, vec![tokens[0]; 4_000]);
    let inputs = lanes[0].cells.inputs(tokens[0]);
    assert!((100 / tokens[0]..=200 / tokens[0]).contains(&inputs), "{inputs} inputs of {} tokens", tokens[0]);
}

#[test]
fn each_range_of_lengths_is_learnt_once_however_the_texts_come() {
    let mut lanes = [lane(small(200, None), 4_096)];
    let (mut split, mut longest) = (0, 0);
    for _ in 0..5 {
        let (ended, answers) = run(&mut lanes, texts(500), Limits::default());
        split += ended.unwrap().split;
        longest = answers.iter().map(|answer| answer.tokens).max().unwrap();
        assert_eq!(answers.len(), 500);
    }
    // Lengths within a factor of 1.25 share a cell.
    let cells = 1 + (longest as f64).log(1.25) as usize;
    assert!(split <= HALVINGS * cells, "{split} of {cells} cells");
}

#[test]
fn a_text_that_fits_no_memory_is_named() {
    let mut texts = texts(20);
    texts[7] = Ok("long ".repeat(300));
    let (ended, answers) = run(&mut [lane(small(200, None), 4_096)], texts, Limits::default());
    assert!(
        matches!(ended, Err(StreamError::Encode { place: 7, error: EncodeError::OutOfMemory { .. } })),
        "{ended:?}"
    );
    assert_eq!(answers.len(), 7, "all before it");
}

#[test]
fn a_bad_text_is_named_and_its_neighbours_are_answered() {
    let poison = Tokenizer::double().encode_batch(&["poison"]).unwrap()[0][0];
    let mut texts = texts(50);
    texts[31] = Ok("poison".into());
    let (ended, answers) = run(&mut [lane(small(9_999, Some(poison)), 512)], texts, Limits::default());
    assert!(matches!(ended, Err(StreamError::Encode { place: 31, error: EncodeError::BadInput { .. } })), "{ended:?}");
    assert_eq!(answers.len(), 31);
}

#[test]
fn an_error_of_the_source_comes_after_the_answers_before_it() {
    let mut texts = texts(700);
    texts[600] = Err("line 601".into());
    let (ended, answers) = run(&mut [lane(DoubleEncoder::new(), 512)], texts, Limits { texts: 50, tokens: 4_000 });
    assert!(matches!(&ended, Err(StreamError::Outside(line)) if line == "line 601"), "{ended:?}");
    assert_eq!(answers.len(), 600);
}

#[test]
fn a_receiver_that_has_enough_ends_the_stream() {
    let endless = (0..).map(|i| Ok(format!("text {i}")));
    let mut seen = 0;
    let ended: Outcome = stream::run(
        &Tokenizer::double(),
        &mut [lane(DoubleEncoder::new(), 512)],
        endless,
        &vectors(),
        Limits::default(),
        &mut |_| {
            seen += 1;
            if seen == 1_000 { Err("enough".into()) } else { Ok(()) }
        },
    );
    assert!(matches!(&ended, Err(StreamError::Outside(enough)) if enough == "enough"), "{ended:?}");
}

#[test]
fn a_program_that_waits_for_each_answer_gets_it() {
    let (ask, texts) = mpsc::channel::<Result<String, String>>();
    let mut asked = 0;
    ask.send(Ok("first".into())).unwrap();
    let mut ask = Some(ask);
    let ended = stream::run(
        &Tokenizer::double(),
        &mut [lane(DoubleEncoder::new(), 512), lane(DoubleEncoder::new(), 512)],
        texts.into_iter(),
        &vectors(),
        Limits::default(),
        &mut |_| {
            asked += 1;
            match asked {
                20 => drop(ask.take()),
                _ => ask.as_ref().unwrap().send(Ok(format!("text {asked}"))).unwrap(),
            }
            Ok(())
        },
    );
    assert_eq!(ended.unwrap().texts, 20);
}

#[test]
fn what_is_under_way_stays_within_the_limits_however_long_the_input() {
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let endless = (0..20_000).map(move |i| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok::<_, String>(format!("text {i}"))
    });
    let (mut emitted, mut furthest) = (0usize, 0usize);
    let limits = Limits { texts: 100, tokens: 2_000 };
    let lanes = &mut [lane(DoubleEncoder::new(), 64)];
    stream::run(&Tokenizer::double(), lanes, endless, &vectors(), limits, &mut |_| {
        emitted += 1;
        furthest = furthest.max(read.load(Ordering::Relaxed) - emitted);
        Ok(())
    })
    .unwrap();
    assert!(furthest < 100 + 1_024 + 256 + 2, "{furthest} texts were read ahead");
}

#[test]
fn a_text_of_ten_thousand_tokens_is_the_mean_of_its_windows() {
    let long: String = (0..10_000).map(|i| format!("w{} ", i % 97)).collect();
    let mut lanes = [lane(DoubleEncoder::new().with_heads(vec![whole_text_head()]), 512)];
    let wanted = Wanted { heads: vec![HeadId(0)], ..vectors() };
    let mut answers = Vec::new();
    let texts = vec![Ok::<_, String>(long), Ok("short".to_owned())];
    stream::run(&Tokenizer::double(), &mut lanes, texts.into_iter(), &wanted, Limits::default(), &mut |answer| {
        answers.push(answer);
        Ok(())
    })
    .unwrap();
    assert_eq!((answers[0].windows, answers[0].tokens), (20, 10_000 + 20 * 2));
    let norm: f32 = answers[0].vector.iter().map(|value| value * value).sum();
    assert!((norm - 1.0).abs() < 1e-5, "{norm}");
    assert_eq!(answers[0].scores[0].len(), 2);
    assert!(answers[0].scores[0].iter().all(|score| (0.0..=1.0).contains(score)));
    assert_eq!(answers[1].windows, 1);
}

fn whole_text_head() -> HeadInfo {
    HeadInfo { name: "mood".into(), kind: HeadKind::PassageLabels, labels: vec!["a".into(), "b".into()] }
}

#[test]
fn empty_texts_control_characters_and_mixed_scripts_have_vectors() {
    let texts = ["", " ", "\u{0}\u{7}\u{1b}[31m", "été 東京 🙂 \u{202e}مرحبا", "a\u{301}"].map(|text| Ok(text.into()));
    let (ended, answers) = run(&mut [lane(DoubleEncoder::new(), 512)], texts.to_vec(), Limits::default());
    ended.unwrap();
    assert!(answers.iter().all(|answer| answer.vector.iter().all(|value| value.is_finite())));
    assert_eq!(answers.len(), 5);
}

#[test]
fn a_head_that_scores_tokens_is_refused() {
    let info = HeadInfo { kind: HeadKind::TokenTags, ..whole_text_head() };
    let mut lanes = [lane(DoubleEncoder::new().with_heads(vec![info]), 512)];
    for head in [0, 1] {
        let wanted = Wanted { kind: Kind::Query, vectors: false, heads: vec![HeadId(head)] };
        let none = std::iter::empty::<Result<String, String>>();
        let ended = stream::run(&Tokenizer::double(), &mut lanes, none, &wanted, Limits::default(), &mut |_| Ok(()));
        assert!(matches!(ended, Err(StreamError::Head(found)) if found == head), "{ended:?}");
    }
}

/// An encoder that panics at its second batch.
struct Panics(DoubleEncoder, usize);

impl Encoder for Panics {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn profile(&self) -> NumericProfile {
        self.0.profile()
    }

    fn heads(&self) -> Vec<HeadInfo> {
        self.0.heads()
    }

    fn run(&mut self, batch: &[PassageInput], ask: &Ask) -> Result<Answers, EncodeError> {
        self.1 += 1;
        assert!(self.1 < 2, "the encoder panics");
        self.0.run(batch, ask)
    }

    fn memory(&self) -> MemoryReport {
        self.0.memory()
    }
}

#[test]
fn a_panic_of_the_source_an_encoder_or_the_receiver_ends_the_stream_and_is_not_taken_for_its_end() {
    let tokenizer = Tokenizer::double();
    let source = (0..2_000).map(|i| {
        assert!(i < 600, "the source panics");
        Ok::<_, String>(format!("word{i}"))
    });
    let mut lanes = [lane(DoubleEncoder::new(), 64), lane(DoubleEncoder::new(), 64)];
    let ended = stream::run(&tokenizer, &mut lanes, source, &vectors(), Limits::default(), &mut |_| Ok(()));
    assert!(matches!(ended, Err(StreamError::Lost)), "{ended:?}");

    let (ended, answers) = run(&mut [lane(Panics(DoubleEncoder::new(), 0), 64)], texts(2_000), Limits::default());
    assert!(matches!(ended, Err(StreamError::Lost)), "{ended:?}");
    assert!(answers.len() < 2_000);

    let mut receiver = |answer: TextAnswer| {
        assert!(answer.place < 3, "the receiver panics");
        Ok::<_, String>(())
    };
    let run = std::panic::AssertUnwindSafe(|| {
        stream::run(&tokenizer, &mut lanes, texts(2_000).into_iter(), &vectors(), Limits::default(), &mut receiver)
    });
    assert!(std::panic::catch_unwind(run).is_err());
}
