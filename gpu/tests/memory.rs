//! Running out of memory for real: a child process whose address space is limited.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic, in its helpers too")]

mod common;

use std::process::Command;

use common::{TINY_VOCABULARY, WIDE, model_of, worst_cosine};
use domain::manifest::NumericProfile;
use domain::passage::PassageInput;
use gpu::stream::{self, Kind, Limits, Wanted};
use gpu::{Ballast, Cells, Device, EncodeError, Encoder, Lane, TchEncoder, Tokenizer, warm_up};
use rustix::process::{Resource, Rlimit, setrlimit};

#[global_allocator]
static ALLOCATOR: Ballast = Ballast;

/// Set in the child.
const CHILD: &str = "VISIOBOOK_TEST_LITTLE_MEMORY";
/// What the child may still take once its model is loaded.
const ROOM: u64 = 100 << 20;

/// Runs the test of this name in a process of its own; `None`: this is that process.
fn in_a_child(name: &str) -> Option<()> {
    if std::env::var_os(CHILD).is_some() {
        return None;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, "1").output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the child ended with {}: {said}", output.status);
    assert!(said.contains("1 passed"), "{said}");
    Some(())
}

/// From now on this process may take so much more.
fn limit_to(more: u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size: u64 = size.trim().trim_end_matches("kB").trim().parse().unwrap();
    setrlimit(Resource::As, Rlimit { current: Some(size * 1_024 + more), maximum: None }).unwrap();
}

fn inputs(count: u32, len: u32) -> Vec<PassageInput> {
    let tokens = |at: u32| (0..len).map(|place| (place * 7 + at) % TINY_VOCABULARY).collect();
    (0..count).map(|at| PassageInput { tokens: tokens(at), spans: vec![(1, len as u16 - 1)] }).collect()
}

fn encoder() -> TchEncoder {
    let (_folder, model) = model_of(WIDE);
    TchEncoder::load(&model, Device::Cpu, NumericProfile::F32).unwrap()
}

#[test]
fn a_batch_that_does_not_fit_is_an_error_value_and_the_encoder_goes_on() {
    if in_a_child("a_batch_that_does_not_fit_is_an_error_value_and_the_encoder_goes_on").is_some() {
        return;
    }
    let mut encoder = encoder();
    let batch = inputs(128, 128);
    let first = encoder.encode(&batch[..1]).unwrap();
    limit_to(ROOM);
    let (mut count, mut refused) = (batch.len(), 0);
    let fitted = loop {
        match encoder.encode(&batch[..count]) {
            Ok(encoded) => break encoded,
            Err(EncodeError::OutOfMemory { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        count /= 2;
    };
    assert!(refused >= 1 && count >= 2, "{refused} refused, {count} fitted");
    assert!(worst_cosine(&fitted[0], &first[0]) > 0.9999);
    // However often it ran out, what fits with room to spare still fits: what fitted exactly hangs on where freed
    // pieces of address space lie.
    let half = count / 2;
    for _ in 0..3 {
        assert_eq!(encoder.encode(&batch).unwrap_err().code(), "encode-out-of-memory");
        let again = encoder.encode(&batch[..half]).unwrap();
        assert!(again.iter().zip(&fitted).all(|(again, fitted)| worst_cosine(again, fitted) > 0.9999));
    }
}

#[test]
fn a_stream_of_texts_halves_its_cell_and_answers_them_all() {
    if in_a_child("a_stream_of_texts_halves_its_cell_and_answers_them_all").is_some() {
        return;
    }
    let (_folder, model) = model_of(WIDE);
    let mut encoder = TchEncoder::load(&model, Device::Cpu, NumericProfile::F32).unwrap();
    encoder.encode(&inputs(2, 128)).unwrap();
    let tokenizer = Tokenizer::open(&model).unwrap();
    let mut lanes = [Lane { device: Device::Cpu, encoder: Box::new(encoder), cells: Cells::new(128 * 128) }];
    let wanted = Wanted { kind: Kind::Passage, vectors: true, heads: Vec::new() };
    limit_to(ROOM);
    let texts = (0..160).map(|at| Ok::<_, String>(format!("w{} ", 3 + at % 40).repeat(126)));
    let mut answers = Vec::new();
    let stats = stream::run(&tokenizer, &mut lanes, texts, &wanted, Limits::default(), &mut |answer| {
        answers.push(answer);
        Ok(())
    })
    .unwrap();
    assert_eq!(answers.len(), 160);
    assert!(stats.split >= 1, "{stats:?}");
    assert!(lanes[0].cells.cap(128) < 128 * 128, "{}", lanes[0].cells.cap(128));
}

#[test]
fn warming_up_plans_with_what_the_limit_leaves() {
    if in_a_child("warming_up_plans_with_what_the_limit_leaves").is_some() {
        return;
    }
    let mut encoder = encoder();
    encoder.encode(&inputs(1, 128)).unwrap();
    limit_to(ROOM);
    let free = encoder.memory().free_bytes;
    assert!(free <= ROOM, "{free}");
    let found = warm_up(&mut encoder, 128, 128 * 128).unwrap();
    // The widest layer alone takes 9 KiB a token.
    assert!(found.bytes_per_padded_token >= 9 * 1_024, "{found:?}");
    assert!(u64::from(found.padded_tokens) * u64::from(found.bytes_per_padded_token) <= ROOM, "{found:?}");
    assert!((128..128 * 128).contains(&found.padded_tokens), "{found:?}");
}
