//! Heads read one shared pass: each gets the rows that its kind names, whatever the batch looks like.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use common::{TINY_DIM, TINY_VOCABULARY, tiny_model, uneven_batch, worst_cosine};
use domain::manifest::NumericProfile;
use gpu::{
    Ask, Device, DoubleEncoder, EncodeError, Encoder, Head, HeadId, HeadInfo, HeadKind, Hidden, Layer, TchEncoder,
};
use tch::{Kind, TchError, Tensor};

/// Gives what it reads: each row's hidden states are its scores.
#[derive(Clone, Debug)]
struct Reader {
    info: HeadInfo,
    tap: usize,
}

impl Head for Reader {
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
        match self.info.kind {
            HeadKind::TokenTags => hidden.tokens(),
            HeadKind::SpanScores => hidden.candidates(),
            HeadKind::SentenceLabels => hidden.spans(),
            HeadKind::PassageLabels => hidden.passages(),
            HeadKind::PairScores => {
                let (left, right) = hidden.pairs()?;
                left.f_sub(&right)
            }
        }
    }
}

fn info(name: &str, kind: HeadKind) -> HeadInfo {
    HeadInfo { name: name.to_owned(), kind, labels: (0..TINY_DIM).map(|i| i.to_string()).collect() }
}

fn encoder() -> TchEncoder {
    let (_folder, model) = tiny_model();
    TchEncoder::load(&model, Device::Cpu, NumericProfile::F32).unwrap()
}

fn attach(encoder: &mut TchEncoder, kind: HeadKind, tap: usize) -> HeadId {
    encoder.attach(Box::new(Reader { info: info("reader", kind), tap }))
}

fn mean(rows: &[&[f32]]) -> Vec<f32> {
    (0..TINY_DIM).map(|column| rows.iter().map(|row| row[column]).sum::<f32>() / rows.len() as f32).collect()
}

fn near(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4)
}

const ALL_KINDS: [HeadKind; 5] = [
    HeadKind::TokenTags,
    HeadKind::SpanScores,
    HeadKind::SentenceLabels,
    HeadKind::PassageLabels,
    HeadKind::PairScores,
];

#[test]
fn each_kind_of_head_gets_its_rows_in_the_batchs_order_beside_the_vectors() {
    let mut encoder = encoder();
    let last = encoder.layers();
    let heads: Vec<HeadId> = ALL_KINDS.into_iter().map(|kind| attach(&mut encoder, kind, last)).collect();
    let batch = uneven_batch(TINY_VOCABULARY);
    let candidates = vec![vec![(0, 3)], vec![(0, 30), (5, 6)], vec![], vec![(1, 2), (3, 9), (0, 16)]];
    let pairs = vec![vec![(0, 0)], vec![(0, 1), (1, 0)], vec![], vec![(2, 1)]];
    let ask = Ask { vectors: true, heads, candidates: candidates.clone(), pairs: pairs.clone() };
    let answers = encoder.run(&batch, &ask).unwrap();

    let plain = encoder.encode(&batch).unwrap();
    for (a, b) in answers.vectors.iter().zip(&plain) {
        assert!(worst_cosine(a, b) > 0.9999);
    }
    let [tags, spans, sentences, passages, scored_pairs] = answers.scores.as_slice() else { panic!("five heads") };
    for (i, input) in batch.iter().enumerate() {
        let tokens: Vec<&[f32]> = tags.of(i).collect();
        assert_eq!(tokens.len(), input.tokens.len());
        let mean_of = |(start, end): &(u16, u16)| mean(&tokens[usize::from(*start)..usize::from(*end)]);
        assert!(near(passages.of(i).next().unwrap(), &mean(&tokens)));
        assert_eq!((passages.of(i).len(), sentences.of(i).len()), (1, input.spans.len()));
        assert!(sentences.of(i).zip(&input.spans).all(|(row, span)| near(row, &mean_of(span))));
        assert_eq!((spans.of(i).len(), scored_pairs.of(i).len()), (candidates[i].len(), pairs[i].len()));
        assert!(spans.of(i).zip(&candidates[i]).all(|(row, span)| near(row, &mean_of(span))));
        for (row, (a, b)) in scored_pairs.of(i).zip(&pairs[i]) {
            let (a, b) = (mean_of(&candidates[i][usize::from(*a)]), mean_of(&candidates[i][usize::from(*b)]));
            assert!(near(row, &a.iter().zip(&b).map(|(a, b)| a - b).collect::<Vec<_>>()));
        }
    }
}

#[test]
fn a_head_reads_the_layer_that_it_names_and_only_heads_asked_for_answer() {
    let mut encoder = encoder();
    let taps: Vec<HeadId> = (0..=2).map(|tap| attach(&mut encoder, HeadKind::PassageLabels, tap)).collect();
    let batch = uneven_batch(TINY_VOCABULARY);
    let all = encoder.run(&batch, &Ask { heads: taps.clone(), ..Ask::default() }).unwrap();
    assert!(all.vectors.is_empty());
    let row = |tap: usize| all.scores[tap].of(1).next().unwrap().to_vec();
    assert_ne!(row(0), row(1));
    assert_ne!(row(1), row(2));
    for (tap, head) in taps.into_iter().enumerate() {
        let alone = encoder.run(&batch, &Ask::head(head)).unwrap();
        assert!(near(alone.scores[0].of(1).next().unwrap(), &row(tap)));
    }
    assert_eq!(encoder.run(&batch, &Ask::head(HeadId(3))).unwrap_err().code(), "encode-bad-ask");
    assert_eq!(encoder.heads().len(), 3);
    assert_eq!(encoder.share().heads(), encoder.heads());
}

/// Goes on from the embeddings with a layer of its own.
#[derive(Debug)]
struct OwnBody {
    info: HeadInfo,
    layer: Layer,
}

impl Head for OwnBody {
    fn info(&self) -> &HeadInfo {
        &self.info
    }

    fn tap(&self) -> usize {
        0
    }

    fn share(&self) -> Box<dyn Head> {
        Box::new(Self { info: self.info.clone(), layer: self.layer.share() })
    }

    fn bytes(&self) -> u64 {
        self.layer.bytes()
    }

    fn run(&self, hidden: &Hidden<'_>) -> Result<Tensor, TchError> {
        hidden.with_states(self.layer.forward(hidden.states(), hidden.layout())?).passages()
    }
}

#[test]
fn a_head_may_bring_layers_of_its_own() {
    let mut encoder = encoder();
    let (h, f) = (TINY_DIM as i64, 32);
    let ones = |shape: &[i64]| Tensor::ones(shape, (Kind::Float, tch::Device::Cpu));
    let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, tch::Device::Cpu));
    // All products are zero, so that the layer is its two norms.
    let tensors = [
        zeros(&[3 * h, h]),
        zeros(&[3 * h]),
        zeros(&[h, h]),
        zeros(&[h]),
        ones(&[h]),
        zeros(&[h]),
        zeros(&[f, h]),
        zeros(&[f]),
        zeros(&[h, f]),
        zeros(&[h]),
        ones(&[h]),
        zeros(&[h]),
    ];
    let layer = Layer::from_tensors(tensors, 2, 1e-12, (Kind::Float, tch::Device::Cpu)).unwrap();
    assert_eq!(layer.bytes(), 4 * (3 * 16 * 16 + 48 + 256 + 16 + 32 + 512 + 32 + 512 + 16 + 32));
    let own = encoder.attach(Box::new(OwnBody { info: info("own", HeadKind::PassageLabels), layer }));
    let tokens = attach(&mut encoder, HeadKind::TokenTags, 0);
    let batch = uneven_batch(TINY_VOCABULARY);
    let answers = encoder.share().run(&batch, &Ask { heads: vec![own, tokens], ..Ask::default() }).unwrap();
    for i in 0..batch.len() {
        let normed: Vec<Vec<f32>> = answers.scores[1].of(i).map(norm).collect();
        let normed: Vec<&[f32]> = normed.iter().map(Vec::as_slice).collect();
        assert!(near(answers.scores[0].of(i).next().unwrap(), &mean(&normed)));
    }
}

/// Mean 0 and variance 1.
fn norm(row: &[f32]) -> Vec<f32> {
    let mean = row.iter().sum::<f32>() / row.len() as f32;
    let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / row.len() as f32;
    row.iter().map(|x| (x - mean) / variance.sqrt()).collect()
}

#[test]
fn the_doubles_scores_hang_on_the_input_alone_and_have_the_same_rows() {
    let heads: Vec<HeadInfo> = ALL_KINDS.into_iter().map(|kind| info("double", kind)).collect();
    let mut double = DoubleEncoder::new().with_heads(heads);
    let batch = uneven_batch(1000);
    let pairs = vec![vec![(0, 0)], vec![(0, 1), (1, 2)], vec![], vec![]];
    let ask = Ask { vectors: false, heads: (0..5).map(HeadId).collect(), candidates: vec![], pairs };
    let together = double.run(&batch, &ask).unwrap();
    let rows: Vec<Vec<usize>> = together.scores.iter().map(|s| (0..4).map(|i| s.of(i).len()).collect()).collect();
    assert_eq!(rows, [vec![3, 30, 1, 16], vec![1, 3, 0, 1], vec![1, 3, 0, 1], vec![1, 1, 1, 1], vec![1, 2, 0, 0]]);
    let alone = double.run(&batch[3..], &Ask::head(HeadId(3))).unwrap();
    assert_eq!(alone.scores[0].of(0).next(), together.scores[3].of(3).next());
    assert!(together.scores[0].of(1).flatten().all(|score| (0.0..1.0).contains(score)));
    let wrong = Ask { candidates: vec![vec![]], ..ask };
    assert!(matches!(double.run(&batch, &wrong), Err(EncodeError::BadAsk { .. })));
}

/// Panics in these words.
#[derive(Clone, Debug)]
struct Panics(HeadInfo, &'static str);

impl Head for Panics {
    fn info(&self) -> &HeadInfo {
        &self.0
    }

    fn tap(&self) -> usize {
        1
    }

    fn share(&self) -> Box<dyn Head> {
        Box::new(self.clone())
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn run(&self, _hidden: &Hidden<'_>) -> Result<Tensor, TchError> {
        panic!("{}", self.1)
    }
}

#[test]
fn a_panic_on_the_way_is_the_batchs_error_and_the_encoder_goes_on() {
    let mut encoder = encoder();
    let said = |words| Box::new(Panics(info("panics", HeadKind::PassageLabels), words));
    let broken = encoder.attach(said("index out of range"));
    let full = encoder.attach(said("called `Result::unwrap()` on an `Err` value: Torch(\"std::bad_alloc\")"));
    let batch = uneven_batch(TINY_VOCABULARY);
    let before = encoder.encode(&batch).unwrap();
    let mut ask = |head| encoder.run(&batch, &Ask { heads: vec![head], ..Ask::default() }).unwrap_err();
    let error = ask(broken);
    assert!(matches!(&error, EncodeError::Broken { reason } if reason.contains("index out of range")), "{error}");
    assert_eq!(ask(full).code(), "encode-out-of-memory");
    assert_eq!(encoder.encode(&batch).unwrap(), before);
}
