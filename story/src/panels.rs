//! The sentences that tell a scene in order, and how long each panel stands.

use std::ops::Range;

use crate::Settings;
use crate::notes::Notes;
use crate::summary::Salience;

/// Most sentences in a panel.
const SENTENCES_MAX: usize = 3;
/// Sentences from a scene's start among which its establishing sentence is sought.
const ESTABLISHING_REACH: usize = 4;
/// A panel with fewer words goes on into the next paragraph.
const TELLING_WORDS: u32 = 12;

/// The sentences of each panel of a scene. Panels follow the text and share no sentence.
pub(crate) fn lay_out(
    notes: &Notes<'_>,
    scene: &Range<usize>,
    salience: &Salience,
    named: &[usize],
    settings: &Settings,
) -> Vec<Vec<usize>> {
    stretches(notes, scene, settings)
        .into_iter()
        .map(|stretch| {
            let lead = if stretch.start == scene.start {
                establishing(notes, &stretch)
            } else {
                turning_point(notes, &stretch, salience, named)
            };
            gather(notes, &stretch, lead, settings)
        })
        .collect()
}

/// Time to read so many words, in milliseconds, within the settings' bounds.
pub(crate) fn duration_ms(words: u32, settings: &Settings) -> u32 {
    let ms = u64::from(words) * 60_000 / u64::from(settings.reading_words_per_minute);
    u32::try_from(ms).unwrap_or(u32::MAX).clamp(settings.panel_min_ms, settings.panel_max_ms)
}

/// Cuts a scene in stretches of about as many words each, at the start of a paragraph where one is near.
fn stretches(notes: &Notes<'_>, scene: &Range<usize>, settings: &Settings) -> Vec<Range<usize>> {
    let total = u64::from(notes.words_of(scene.clone()));
    let wanted = (total + u64::from(settings.panel_words) / 2) / u64::from(settings.panel_words);
    let count = wanted.clamp(1, u64::from(settings.panels_per_scene_max)).min(scene.len() as u64);
    let starts_paragraph = |s: usize| notes.chapter.sentences[s].paragraph != notes.chapter.sentences[s - 1].paragraph;
    let slack = (total / count.max(1) / 4) as i64;
    let mut stretches = Vec::with_capacity(count as usize);
    let (mut start, mut words_before) = (scene.start, 0_u64);
    for nth in 1..count {
        let ideal = (total * nth / count) as i64;
        let (mut words, mut best) = (words_before, None::<(i64, usize, u64)>);
        for s in start + 1..scene.end {
            words += u64::from(notes.words[s - 1]);
            let off = (words as i64 - ideal).abs();
            let cost = if starts_paragraph(s) { off } else { off + slack };
            if best.is_none_or(|(least, ..)| cost < least) {
                best = Some((cost, s, words));
            }
            if words as i64 > ideal + slack {
                break;
            }
        }
        let Some((_, end, words)) = best else { break };
        stretches.push(start..end);
        (start, words_before) = (end, words);
    }
    stretches.push(start..scene.end);
    stretches
}

/// The first sentence near the start that sets the scene: told, not spoken, and whole.
fn establishing(notes: &Notes<'_>, stretch: &Range<usize>) -> usize {
    let near = stretch.start..stretch.end.min(stretch.start + ESTABLISHING_REACH);
    near.clone()
        .find(|&s| notes.stands_alone(s) && !notes.spoken[s])
        .or_else(|| near.clone().find(|&s| notes.stands_alone(s)))
        .unwrap_or(stretch.start)
}

/// The sentence where most turns: unlike the one before it, central to the scene, with names in it.
fn turning_point(notes: &Notes<'_>, stretch: &Range<usize>, salience: &Salience, named: &[usize]) -> usize {
    let score = |s: usize| {
        let turn = if s > stretch.start { 4096 - salience.likeness(s - 1, s) } else { 4096 };
        let alone = if notes.stands_alone(s) { 8192 } else { 0 };
        let cut = if notes.quoted[s].from_before { 3072 } else { 0 };
        turn / 2 + salience.central_of(s) + alone - cut + if named[s] > 0 { 1024 } else { 0 }
    };
    stretch.clone().max_by_key(|&s| (score(s), std::cmp::Reverse(s))).unwrap_or(stretch.start)
}

/// Sentences around the leading one, as many as the panel has room for: the one that it leans on, and then
/// in an exchange its next turn, else what follows it in its paragraph. No speech is begun that the panel
/// can't finish.
fn gather(notes: &Notes<'_>, stretch: &Range<usize>, lead: usize, settings: &Settings) -> Vec<usize> {
    let paragraph = |s: usize| notes.chapter.sentences[s].paragraph;
    let needs_before = notes.leans(lead) || notes.quoted[lead].from_before;
    let first = match lead.checked_sub(1) {
        Some(before) if needs_before && lead > stretch.start && paragraph(before) == paragraph(lead) => before,
        _ => lead,
    };
    let fits = notes.words_of(first..lead + 1) <= settings.panel_evidence_words;
    let mut chosen: Vec<usize> = if fits { (first..=lead).collect() } else { vec![lead] };
    let mut words: u32 = chosen.iter().map(|&s| notes.words[s]).sum();
    for s in lead + 1..stretch.end {
        let goes_on =
            paragraph(s) == paragraph(s - 1) || (notes.spoken[s - 1] && notes.spoken[s]) || words < TELLING_WORDS;
        words = words.saturating_add(notes.words[s]);
        if !goes_on || chosen.len() == SENTENCES_MAX || words > settings.panel_evidence_words {
            break;
        }
        chosen.push(s);
    }
    // The lead may be part of a longer speech itself: then there is nothing better to end on.
    // And a half speech tells more than a few words do.
    let whole = chosen.iter().rposition(|&s| s >= lead && !notes.quoted[s].left_open).map(|at| at + 1);
    let told = |count: usize| chosen[..count].iter().map(|&s| notes.words[s]).sum::<u32>();
    if let Some(count) = whole.filter(|&count| told(count) >= TELLING_WORDS) {
        chosen.truncate(count);
    }
    chosen
}
