//! Words that the rule for names knows beforehand. None of them is the name of a story's person or place.

use std::collections::HashSet;
use std::sync::LazyLock;

use domain::language::Language;

type Words = LazyLock<HashSet<&'static str>>;

/// What kind of person a form of address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Title {
    /// "Mr.", "Sir", "don".
    Man,
    /// "Miss", "Lady", "Mlle".
    Woman,
    /// "Mrs.", "Madame": often somebody else than the bare name.
    Wife,
    /// "Dr.", "Captain".
    Either,
    /// "Saint": it belongs to the name.
    Saint,
}

static SAINTS: Words = LazyLock::new(|| words("st saint sainte ste"));

static MEN: Words = LazyLock::new(|| {
    words(
        "mr master mister sir lord uncle father brother grandfather papa dad daddy grandpa son prince king emperor \
         tsar czar tsarevich count baron duke marquis viscount earl squire bishop archbishop cardinal pope friar boy \
         gentleman gentlemen sirs esq esquire herr baronet knight sultan vizier pasha caliph khan shah m mm mgr \
         monsieur messieurs monseigneur messire sieur sire seigneur don dom maître père frère oncle grand-père fils \
         roi empereur comte duc vicomte abbé évêque archevêque pape curé vicaire chevalier signor señor senor \
         grand-turc vizir dey",
    )
});

static WOMEN: Words = LazyLock::new(|| {
    words(
        "miss ms lady ladies dame madam aunt mother sister grandmother mamma mama mum mom granny grandma nurse \
         daughter princess queen empress tsarina countess baroness duchess marchioness viscountess abbess fräulein \
         girl nanny auntie mlle mlles mademoiselle mesdames mesdemoiselles mère sœur soeur tante grand-mère maman \
         fille reine impératrice comtesse baronne duchesse marquise vicomtesse princesse abbesse doña",
    )
});

static WIVES: Words = LazyLock::new(|| words("mrs mme mmes madame frau signora señora"));

static EITHER: Words = LazyLock::new(|| {
    words(
        "dr doctor prof professor captain capt colonel col major general gen lieutenant lieut lt sergeant sgt \
         corporal private admiral commodore commander marshal ensign cornet reverend rev president senator governor \
         judge mayor minister inspector constable officer majesty majesties highness excellency eminence holiness \
         grace honour honor worship lordship ladyship jr sr cousin messrs chancellor secretary ambassador docteur \
         professeur capitaine commandant général amiral maréchal caporal sergent président gouverneur ministre juge \
         maire majesté majestés altesse excellence éminence sainteté cousine citoyen citoyenne camarade baron marquis \
         prince",
    )
});

static ABBREVIATIONS: Words =
    LazyLock::new(|| words("mr mrs ms dr st prof capt col gen lieut lt sgt rev esq jr sr messrs mm mgr ste"));

/// Small words that hold the parts of a name together: "Roger de Coverley".
static PARTICLES: Words = LazyLock::new(|| words("de d du des la le von van der den da di del della y bin ibn el al"));

/// What English places are called by after their own name: "Baker Street".
static PLACE_TAILS: Words = LazyLock::new(|| {
    words(
        "street road lane square place row town city hall house bridge cross park hill station court castle abbey \
         mire moor island islands bay sea ocean lake river valley wood forest tor churchyard harbour garden gardens \
         green",
    )
});

static ARTICLES_EN: Words = LazyLock::new(|| {
    words(
        "the a an this that these those every each any no some my your his her our their its two three four five six \
         many several all another",
    )
});

static PLURAL_ARTICLES_FR: Words = LazyLock::new(|| {
    words(
        "les des aux ces ses mes tes nos vos leurs un une deux trois quatre quelques plusieurs cet cette ce son sa \
         notre votre leur aucun chaque autres",
    )
});

/// Calendar, feasts, the divine, creeds, points of the compass, parts of books, interjections, and ideas
/// that older prose writes with a capital.
static NEVER_EN: Words = LazyLock::new(|| {
    words(
        "i monday tuesday wednesday thursday friday saturday sunday january february march april may june july august \
         september october november december christmas easter lent michaelmas whitsun whitsuntide advent epiphany \
         halloween christmastime yuletide thanksgiving noel sabbath god gods lord almighty creator heaven heavens \
         hell providence christ jesus messiah saviour trinity satan devil virgin holy bible gospel gospels scripture \
         scriptures testament church christian christians christianity catholic catholics protestant protestants \
         methodist quaker puritan orthodox jew jews jewish muslim muslims mohammedan mussulman buddhist hindu pagan \
         freemason freemasons mason masons masonic freemasonry jesuit jesuits north south east west northern southern \
         eastern western chapter volume book part stave preface epilogue prologue note page illustration contents \
         appendix oh ah o hallo hullo hello halloa eh alas hush hurrah hooray hurray bah humbug ha ho pooh amen yes \
         no nay aye well good goodbye adieu bravo death time nature fate fortune justice truth want ignorance gain \
         plenty abundance love hope faith charity liberty peace war reason history man men law state government staff \
         first second third last english latin founder feast day eve town city street guard guards majesty's \
         sovereign your his her",
    )
});

static NEVER_FR: Words = LazyLock::new(|| {
    words(
        "je lundi mardi mercredi jeudi vendredi samedi dimanche janvier février mars avril mai juin juillet août \
         septembre octobre novembre décembre noël pâques carême toussaint pentecôte ascension épiphanie dieu dieux \
         seigneur ciel cieux enfer enfers providence christ jésus jésus-christ messie sauveur créateur trinité satan \
         diable vierge notre-dame bible évangile évangiles écriture écritures genèse testament église chrétien \
         chrétiens catholique catholiques protestant protestants juif juifs juive israélite israélites musulman \
         musulmans jésuite jésuites nord sud est ouest orient occident midi chapitre tome livre partie préface note \
         notes page suite fin voyez voir histoire précis siècle mélanges journal lettre lettres mémoires dialogue \
         dialogues essai dictionnaire poème œuvres oeuvres tragédie comédie oh ah ô hélas eh hé ha ho holà allons oui \
         non bah chut hourra adieu bonjour bonsoir amen te deum mort temps nature destin fortune justice vérité \
         raison amour péché liberté état états homme hommes loi lois monde porte cour feu votre sa leurs anabaptiste \
         anabaptistes",
    )
});

/// Peoples and languages, as English writes them; French writes them small where they are adjectives, by
/// which the rule knows them.
static PEOPLES_EN: Words = LazyLock::new(|| {
    words(
        "english englishman englishmen british briton britons french frenchman frenchmen frenchwoman german germans \
         dutch dutchman spanish spaniard spaniards italian italians irish irishman scotch scottish scotchman scotsman \
         scot scots welsh welshman american americans russian russians pole poles polish prussian prussians austrian \
         austrians swiss swede swedes swedish dane danes danish norwegian norwegians finn finns turk turks turkish \
         greek greeks roman romans latin chinese japanese indian indians african africans arab arabs arabic arabian \
         egyptian egyptians persian persians tartar tartars tatar cossack cossacks gypsy gypsies gipsy gipsies moor \
         moors negro negroes european europeans asiatic hungarian hungarians bohemian portuguese belgian flemish \
         saxon saxons norman normans celt celtic gothic hebrew canadian australian mexican yankee venetian parisian \
         londoner georgian armenian circassian hussar hussars uhlan uhlans slav slavs slavic ukrainian bavarian \
         westphalian corsican bulgarian",
    )
});

fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

/// What a word is as a form of address. `word` in lower case.
pub(crate) fn title(word: &str) -> Option<Title> {
    let lists = [
        (&SAINTS, Title::Saint),
        (&EITHER, Title::Either),
        (&MEN, Title::Man),
        (&WOMEN, Title::Woman),
        (&WIVES, Title::Wife),
    ];
    lists.into_iter().find(|(list, _)| list.contains(word)).map(|(_, title)| title)
}

/// The word is written short, with a dot that ends no sentence.
pub(crate) fn is_abbreviation(word: &str) -> bool {
    word.len() <= 6 && ABBREVIATIONS.contains(word.to_lowercase().as_str())
}

/// The word may stand between the parts of a name.
pub(crate) fn is_particle(word: &str) -> bool {
    PARTICLES.contains(word)
}

/// The word, with a capital, may end the name of a place. `word` in lower case.
pub(crate) fn is_place_tail(word: &str) -> bool {
    PLACE_TAILS.contains(word)
}

/// The word can never be a name. `word` in lower case.
pub(crate) fn is_never_a_name(word: &str, language: Language) -> bool {
    match language {
        Language::En => NEVER_EN.contains(word) || PEOPLES_EN.contains(word),
        Language::Fr => NEVER_FR.contains(word),
    }
}

/// A word before which a capital speaks for a common noun: in English any article, in French those that
/// name one of many, since countries and rivers have "la" and "le". `word` in lower case.
pub(crate) fn is_article(word: &str, language: Language) -> bool {
    match language {
        Language::En => ARTICLES_EN.contains(word),
        Language::Fr => PLURAL_ARTICLES_FR.contains(word),
    }
}
