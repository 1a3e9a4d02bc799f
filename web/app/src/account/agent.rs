//! Browsers and programs by name, as far as what they call themselves tells. It is a help to recognise one's own, no
//! proof: anybody can call themselves anything.

use domain::text::Text;

use crate::i18n::Tr;

/// What stands in the text, and what it means; the first that is there counts, since most claim to be others too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// What a browser or program is called, and what it runs on where that is known.
pub fn agent_text(tr: Tr, agent: &str) -> String {
    let known =
        |names: &[(&str, &'static str)]| names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name);
    let browser = match (known(&BROWSERS), agent.split(['/', ' ']).next()) {
        (Some(name), _) => name,
        (None, Some(first)) if !first.is_empty() => first,
        _ => return tr.t(Text::AgentUnknown).to_owned(),
    };
    match known(&SYSTEMS) {
        Some(system) => tr.fill(Text::AgentOn, &[("browser", browser), ("system", system)]),
        None => browser.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use domain::language::Language;

    use super::*;

    #[test]
    fn browsers_that_claim_to_be_others_are_told_apart() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, name) in [
            (format!("Mozilla/5.0 (X11; Linux x86_64) {webkit} Chrome/131.0.0.0 Safari/537.36"), "Chrome on Linux"),
            (format!("Mozilla/5.0 (Windows NT 10.0) {webkit} Chrome/131.0 Safari/537.36 Edg/131.0"), "Edge on Windows"),
            ("Mozilla/5.0 (Android 15; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0".into(), "Firefox on Android"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1".into(),
                "Safari on iOS",
            ),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15".into(), "Safari on macOS"),
            ("curl/8.11.0".into(), "curl"),
            (String::new(), "An unknown program"),
        ] {
            assert_eq!(agent_text(Tr(Language::En), &agent), name);
        }
        assert_eq!(agent_text(Tr(Language::Fr), "Mozilla/5.0 (X11; Linux) Firefox/132.0"), "Firefox sur Linux");
    }
}
