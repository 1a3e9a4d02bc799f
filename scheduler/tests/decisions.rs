//! What the core decides today is what it decided before, to the last item of the last batch. Whoever means to change it
//! writes down the new digests, which the failing test prints; whoever doesn't is told.

mod support;

use scheduler::trace::ActionDigest;
use support::trouble::live;

/// Of all actions, and of when the core wanted to be woken and what it shows at the end; one life a seed.
const DIGESTS: [(u64, u64); 12] = [
    (2964629951885568617, 9216016064099007769),
    (15417124861679665927, 11989029406082248861),
    (4019582174724627984, 2835342447942851870),
    (16599907865086575029, 3765522850268950457),
    (4522647509843480123, 10558393404824042504),
    (16663949283145557992, 15175497945544068628),
    (15695597110455500885, 18373713550020708227),
    (10748462712647101216, 2753094399551191518),
    (17370545660242936394, 12594935417865789928),
    (6158553649730944978, 14294810176007008784),
    (9482161564211616525, 5924470056186007931),
    (5505584510997491212, 53932378923526943),
];

/// A word for a text: equal ones on every machine.
fn word(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn the_core_decides_as_it_did() {
    let lived = (0..DIGESTS.len() as u64).map(|seed| {
        let world = live(seed, 800);
        let mut digest = ActionDigest::default();
        digest.add(&world.actions);
        (digest.value(), word(&format!("{:?} {:?}", world.wakes, world.state.snapshot())))
    });
    let lived: Vec<_> = lived.collect();
    assert!(
        lived == DIGESTS,
        "the core decides otherwise than it did; if that is meant, its digests are now {lived:?}"
    );
}
