//! How any view must look and be built: light, dark and on a phone, for eyes, keyboards and screen readers.

use serde_json::json;

use super::common::browser::Browser;

/// Most of a page that a picture shows, pixels.
const HEIGHT_MAX: f64 = 2_400.0;

/// What a screen reader and a keyboard need, and some view may lack: one line for each fault.
const FAULTS: &str = "
    const faults = [];
    const shown = e => e.getClientRects().length > 0;
    const name = e => (e.getAttribute('aria-label') || e.textContent || e.title || '').trim();
    for (const e of document.querySelectorAll('input, select, textarea')) {
        const label = [...e.labels].map(l => l.textContent.trim()).join('') || e.getAttribute('aria-label');
        if (!label) faults.push('no label: ' + e.outerHTML);
    }
    for (const e of document.querySelectorAll('button, a[href], summary')) {
        if (shown(e) && !name(e)) faults.push('no name: ' + e.outerHTML);
    }
    for (const e of document.querySelectorAll('[aria-labelledby], [aria-describedby], label[for]')) {
        const ids = ['aria-labelledby', 'aria-describedby', 'for'].flatMap(a => (e.getAttribute(a) || '').split(' '));
        for (const id of ids) if (id && !document.getElementById(id)) faults.push('nothing is called ' + id);
    }
    const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push('several are called ' + id);
    if (document.querySelectorAll('h1').length !== 1) faults.push('there is not one h1');
    if (document.querySelectorAll('main').length !== 1) faults.push('there is not one main');
    let level = 0;
    for (const e of document.querySelectorAll('h1, h2, h3, h4, h5')) {
        const now = Number(e.tagName[1]);
        if (shown(e) && now > level + 1) faults.push('a level is left out before ' + e.textContent);
        level = now;
    }
    for (const e of document.querySelectorAll('progress')) {
        if (!e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby')) faults.push('progress of what?');
    }
    return [...new Set(faults)];
";

/// Words whose contrast with what is behind them is below 4.5.
const PALE: &str = "
    // Colours on their way from one to the other are nobody's.
    for (const change of document.getAnimations()) if (change instanceof CSSTransition) change.finish();
    const rgb = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const behind = e => {
        for (; e; e = e.parentElement) {
            const color = rgb(getComputedStyle(e).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const pale = [];
    for (const e of document.querySelectorAll('main *, header *, .toast *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        const off = e.closest(':disabled, [aria-disabled=true], .panel-hidden, .visually-hidden');
        if (!own || off || !e.getClientRects().length) continue;
        const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) pale.push(contrast.toFixed(2) + ' ' + e.textContent.trim().slice(0, 40));
    }
    return pale;
";

async fn list(browser: &Browser, script: &str) -> Vec<String> {
    serde_json::from_value(browser.script(script, vec![]).await).unwrap()
}

/// Pictures of the view in light, in the dark and on a phone, and what they must not show.
pub async fn it_looks_well(browser: &Browser, name: &str) {
    assert_eq!(list(browser, FAULTS).await, [""; 0], "{name}");
    assert_eq!(list(browser, PALE).await, [""; 0], "{name}, in light");
    browser.picture(&format!("{name}-light"), HEIGHT_MAX).await;
    let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
    browser.devtools("Emulation.setEmulatedMedia", dark).await;
    assert_eq!(list(browser, PALE).await, [""; 0], "{name}, in the dark");
    browser.picture(&format!("{name}-dark"), HEIGHT_MAX).await;
    browser.devtools("Emulation.setEmulatedMedia", json!({"features": []})).await;
    it_fits_a_phone(browser, name).await;
}

async fn it_fits_a_phone(browser: &Browser, name: &str) {
    let phone = json!({"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true});
    browser.devtools("Emulation.setDeviceMetricsOverride", phone).await;
    let wide = "return [document.documentElement.scrollWidth, window.innerWidth,
        ...[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 361 && !e.closest('.visually-hidden'))
            .slice(0, 3).map(e => e.outerHTML.slice(0, 200))]";
    let sizes = browser.script(wide, vec![]).await;
    assert!(sizes[0].as_u64() <= sizes[1].as_u64(), "{name} scrolls sideways on a phone: {sizes}");
    browser.picture(&format!("{name}-phone"), HEIGHT_MAX).await;
    browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
}

/// The next few stops of the keyboard can be seen to have the focus.
pub async fn its_focus_shows(browser: &Browser, stops: usize) {
    for _ in 0..stops {
        browser.tab().await;
        // A file's input lies unseen over its label, which shows the focus for it.
        let ring = "(e.type === 'file' ? e.nextElementSibling : e).matches(':focus-visible, input:focus-visible + *')
            && parseFloat(getComputedStyle(e.type === 'file' ? e.nextElementSibling : e).outlineWidth) > 1";
        let what = browser.in_focus("e.outerHTML.slice(0, 200)").await;
        assert_eq!(browser.in_focus(ring).await, "true", "the focus does not show on {what}");
    }
}
