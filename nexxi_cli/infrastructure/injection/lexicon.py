"""What words mean for the detector, in English, German, Spanish, French and Italian: word or stem -> concept.

The languages share the concepts, so what is learned of one holds for the others. Words are folded: lower case, no
accents, "ss" for the sharp s. A stem ends in `*`.
"""

from functools import lru_cache

MIN_STEM_CHARS = 3

_LEXICON = """
IGNORE ignor* igore* ingore* ignote* disreg* disregard* forget forgets forgetting override* overrid* overrul*
  bypass* discard* neglect* circumvent* abandon* supersed* nullif* void erase drop skip missacht* vergiss vergesst
  vergessen ubergeh* uberschreib* umgeh* verwirf* verwerf* olvid* descart* omit* anul* salta* saltate oubli*
  contourn* annul* dimentic* trascur* negliger unlearn cancel* ausblend* prescind* abstraction desobe* desobei*
  affranchi* hinwegsetz* hinweg beiseite breche brich brechen rompe* romper enfrein* violat* transgre* disobey* wipe
  scrap ablos* entled*
STOP stop halt stopp wait nevermind cease quit detente alto para arrete attends fermati espera
FOLLOW follow* obey* comply complies compliance adhere* abide* befolg* gehorch* folg* sigas sigue obedec* cumpl*
  suis suivre obeis* respecte* segui* acat*
PREVIOUS previous* prev prior earlier above preceding before foregoing past former existing already vorherig*
  bisherig* obig* vorig* fruher* vorangegang* vorher oben davor oberhalb anterior* previ* precedent* arriba encima
  precede* anterieur* dessus haut avant recibiste recues precedenti existent* bestehend*
INITIAL initial* original* first beginning start started starting default ursprunglich* anfang* inicial* origin*
  principio debut inizial* iniziale
ALL all any every everything entire whole complete full each alle alles allen jede* gesamt* samtlich* todo todos
  toda todas cualquier* tout toute tous toutes tutto tutti tutte integral* vollstandig* complet*
INSTRUCTION instruct* instrucion* prompts training istruct* intruct* insruct* instuct* instrct* instrucc* instrut*
  inctruct* directio* directoin* anwweis* anweisun* guidline* directive* direction directions guideline* rule rules
  order orders command commands constraint* protocol* policy policies regulation* boundaries programming assignment*
  anweisung* instruktion* vorgabe* regel regeln richtlini* befehl* weisung* anordnung* vorschrift* instruccion*
  regla* ordenes directric* directiv* indicacion* norma normas pauta* consigne* regle regles ordre ordres istruzion*
  regole direttiv* lignes directrices mandat* task tasks aufgabe* tarea tache
PROMPT prompt eingabeaufforderung preprompt context kontext contexto contexte message messages nachricht mensaje
  conversation gesprach* conversacion text chat chatverlauf
SYSTEM system sistema systeme sys hidden internal configuration config kernel backend versteckt* intern* ocult*
  cache caches oculta konfiguration systemprompt systemanweisung* systemnachricht* anfangsprompt* startprompt*
MAKER developer* entwickler* desarrollador* developpeur* sviluppator* operator* operador* operateur* betreiber*
  creator* creators creador* createur* schopfer* openai anthropic administrator* administrador* administrateur* admin
  root sudo programmer* programador* owner* boss supervisor* vorgesetzt* superadmin company firma empresa societe
  anbieter* proveedor* fournisseur* provider* auditor* auditeur* prufer* revisor*
SECRET secret* password* passwort* kennwort* passphrase confidential* credential* geheim* vertraulich* contrasena*
  clave secreto* secreta* credencial* confidencial* motdepasse passe identifiant* confidentiel* apikey token tokens
  apikeys segreto private privat* sensitive zugangsdaten geheimnis* flag
REVEAL reveal* write return paste schreibe escribe ecris rivel* drucke show print output display repeat* recite
  expose* leak* disclos* dump* divulg* verrat* zeig* nenn* wiederhol* preis ausgeben enthull* revel* muestr* mostr*
  dime repit* imprim* ensena* montre* affich* repet* ripet* mostra stampa list tell share quote verbatim
  wortwortlich* wortlaut spell zitier* sag sage liste* enumer* copia copy kopier* cite gib gebe dame donne dis
  pega pegar colle coller einfug* vuelca* volcar reproduc* reproduis* rezitier* aufsag* provide* export* render* echo
  transcribe translate ubersetz* traduc* tradui* rephrase paraphrase summarize summarise zusammenfass* resum*
  encode* kodier* codific* encod*
YOUR your yours yourself dein* ihre ihren ihrer tus tu su sus ton ta tes votre vos tuo tua tue tuoi
YOU you u du dir dich sie te ti toi vous lei ustedes usted chatgpt gpt gandalf
MODEL ai ia ki llm llms chatbot chatbots bot assistant* assistent* asistente modell* sprachmodell* language modelo
  modele model claude gemini copilot agent agents agente intelligence intelligenz
ROLE act acting pretend* roleplay* role play playing simulat* persona personas character embody immerse imagine
  become impersonat* emulat* spiel* so verhalt* verhalte stell benimm actua* finge* simul* interpret* imagina* agis
  fais semblant incarne joue imaginez vorstell* rolle papel personaje personnage fiction* hypothetical* alter ego
  twin
NOW now henceforth onwards jetzt nun sofort fortan ahora adelante partir maintenant desormais ora instead
  stattdessen lugar lieu statt new neue neuen neues nueva nuevas nuevo nouvelle nouvelles nouveau nouveaux nuove
  nuova adesso
FORBID forbid* forbad* forbidden verbot* verbiet* prohib* interdi* ban banned allowed allow allows erlaub* permit*
  permis* permiso autoris* authoris* authoriz* autoriz* genehmig* clearance freigab* darf darfst
VOID expire* obsolet* abgelauf* caduc* suspend* ausgesetzt aufgehob* aufheb* lifted revok* vigent* valid* gultig*
  gelten gilt valables nulas nichtig nulles nulo replac* ersetz* sustitu* remplac* changed geandert cambiad* change
  reset zuruckgesetzt geleert borrad* efface* cleared deleted geloscht offline gone loaded geladen
HARM bomb* explos* sprengstoff* sprengsatz hack* malware virus phishing drug* droge* drogue* droga* weapon* waffe*
  arma armas arme armes kill* toten matar tuer steal* stehl* robar voler rob robbery bank launder* meth cocaine
  kokain* hurt poison* veneno fraud betrug* fraude forge* fake ransomware keylogger exploit* swear curse* insult*
  racist* hateful knack* forzar crocheter piratear pirater einbrech* diebstahl
SURE sure certainly absolutely naturlich gern gerne klar sicher claro supuesto gusto bien volontiers plaisir gladly
  understood verstanden entendido compris confirm* bestatig* confirma* agree* agreed
FREE unrestrict* uncensor* unfilter* unlimit* jailbr* unbound* unchain* unlock* unhinged unaligned amoral*
  unethical* immoral* illegal* uneingeschrankt* unzensiert* ungefiltert* befreit libre libere libera freely broken
  grenzenlos* schrankenlos* hemmungslos* skrupellos* scruple* escrupul* raw frank* unfett* escape* escaped
  anything offensive explicit harmful dangerous anarchy evil lawless profan* vulgar* nsfw explizit*
LIMIT restriction* limit limits limitation* filter filters censor* ethic* moral* warning* disclaimer* guardrail*
  safety safeguard* einschrankung* grenzen ethisch* sicherheitsfilter* sicherheitsrichtlini* restriccion* limite*
  limites filtro* filtros censura etica* eticas filtre* censure ethique* morale garde restrizion* warnung*
  advertencia* avertissement* sicherheits* seguridad securite consent legality
NO no not never without cannot cant dont doesnt wont none nor kein* nicht ohne nie niemals sin nunca jamas ningun*
  sans pas jamais aucun* ni senza non
REFUSE refus* decline deny apologi* sorry refuse* verweiger* ablehn* lehnst niegu* nieg* rechaz* rifiut* reject*
MODE mode modus modo dan devmode god enabled enable* activat* aktivier* activ* disable* deactivat* deaktivier*
  desactiv* abschalt* schalte turn debug maintenance
SEND send sends forward* email emails post upload* exfiltrat* transmit* curl wget append* transfer* webhook schick*
  sende* weiterleit* leite envia* reenvia* manda envoie* transfere* transmets rassemble invia http https url delete*
  losch* borra* supprim* call execute* exec include click visit
IMPORTANT important urgent* attention wichtig* achtung importante* atencion alert* override notice hinweis nota note
  notiz
CONDITION if when whenever wenn falls si cuando quand lorsque
ASK what which who was welche* wer que cual* cuales quel* quelle* quoi how why wie warum wieso como porque pourquoi
  comment explain* erklar* explic* expliqu* mean means meaning bedeut* signific* difference unterschied difer* does
  cosa
PAST told gave given received gesagt gegeben bekommen erhalten dicho dado recibi* dit donne* recu* detto dato said
QUOTE "
ADVICE should can could may recommend* suggest* help mochte kann soll sollte puedo debo peut dois puis puede quiero
"""


def _tables() -> tuple[dict[str, str], dict[str, str]]:
    words: dict[str, str] = {}
    stems: dict[str, str] = {}
    concept = ""
    for entry in _LEXICON.split():
        if entry.isupper():
            concept = entry
        elif entry.endswith("*"):
            stems.setdefault(entry[:-1], concept)
        else:
            words.setdefault(entry, concept)
    return words, stems


_WORDS, _STEMS = _tables()
_LONGEST = max(map(len, _STEMS))


@lru_cache(maxsize=16_384)
def concept_of(word: str) -> str | None:
    """The concept of a folded word, by the whole word or else by its longest stem; None for most words."""
    if word in _WORDS:
        return _WORDS[word]
    for length in range(min(len(word), _LONGEST), MIN_STEM_CHARS - 1, -1):
        if word[:length] in _STEMS:
            return _STEMS[word[:length]]
    return None
