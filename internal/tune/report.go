package tune

// Report is what Analyse found. It holds ids but no text, and can be marshalled
// to JSON: what is undefined is absent.
type Report struct {
	Profile      string     `json:"profile"`
	Model        string     `json:"model,omitempty"`
	Source       string     `json:"source,omitempty"`
	Texts        int        `json:"texts"`
	Violations   int        `json:"violations"` // texts that violate some category
	Harmless     int        `json:"harmless"`   // texts known to violate none
	Choosing     int        `json:"choosing"`   // texts in the half that chooses thresholds
	Verifying    int        `json:"verifying"`
	Confidence   float64    `json:"confidence"`
	Bootstrap    int        `json:"bootstrap"`
	Seed         uint64     `json:"seed"`
	MaxFPR       *float64   `json:"max_fpr,omitempty"`
	MinPrecision *float64   `json:"min_precision,omitempty"`
	MinRecall    *float64   `json:"min_recall,omitempty"`
	Limits       string     `json:"limits"` // the same in words
	Categories   []Category `json:"categories"`
	Any          Category   `json:"any"`      // all labels as one: the highest statistic counts
	Together     Together   `json:"together"` // the policy as the patch leaves it
	Warnings     []string   `json:"warnings"`
}

// Category is what the data says of one category.
type Category struct {
	Name     string `json:"name"`
	Positive int    `json:"positive"` // texts that violate it
	Negative int    `json:"negative"` // texts that don't, whatever else they violate
	Unknown  int    `json:"unknown"`  // texts whose labels don't say

	AP      *Estimate `json:"ap,omitempty"`
	AUROC   *Estimate `json:"auroc,omitempty"`
	Brier   *float64  `json:"brier,omitempty"`
	LogLoss *float64  `json:"log_loss,omitempty"`
	ECE     *float64  `json:"ece,omitempty"`      // over bins of equal width
	ECEMass *float64  `json:"ece_mass,omitempty"` // over bins of equal mass

	Flag    Recommendation `json:"flag"`
	Halt    Recommendation `json:"halt"`
	Current *Current       `json:"current,omitempty"`
	Change  *Change        `json:"change,omitempty"` // what the patch changes

	SustainRunes int             `json:"sustain_runes"` // behind everything here; of any, 0
	Sustain      []SustainChoice `json:"sustain,omitempty"`

	PR          []CurvePoint     `json:"pr,omitempty"` // thinned out
	PRBand      []Band           `json:"pr_band,omitempty"`
	ROC         []CurvePoint     `json:"roc,omitempty"` // thinned out
	ROCBand     []Band           `json:"roc_band,omitempty"`
	Thresholds  []Outcome        `json:"thresholds,omitempty"`
	Histogram   []HistogramBin   `json:"histogram,omitempty"`
	Reliability []Bin            `json:"reliability,omitempty"`
	Leak        *Leak            `json:"leak,omitempty"`
	Delays      []Delay          `json:"delays,omitempty"` // at the thresholds of flag and halt
	Languages   []LanguageResult `json:"languages,omitempty"`
	FalseAlarms []TextScore      `json:"false_alarms,omitempty"` // highest negatives
	Misses      []TextScore      `json:"misses,omitempty"`       // lowest positives
	Warnings    []string         `json:"warnings,omitempty"`
}

// Current is what the policy's thresholds of today do to the verifying half.
type Current struct {
	Flag *Outcome `json:"flag,omitempty"`
	Halt *Outcome `json:"halt,omitempty"`
}

// Change is what the patch sets; nil leaves a key as it is.
type Change struct {
	Flag         *float64 `json:"flag,omitempty"`
	Halt         *float64 `json:"halt,omitempty"`
	SustainRunes *int     `json:"sustain_runes,omitempty"`
}

// SustainChoice is the best that a value of sustain_runes allows.
type SustainChoice struct {
	SustainRunes int            `json:"sustain_runes"`
	Halt         Recommendation `json:"halt"`
}

// CurvePoint is a point of a curve; X and Y are shares.
type CurvePoint struct {
	X         float64 `json:"x"`
	Y         float64 `json:"y"`
	Threshold float64 `json:"threshold"`
}

// HistogramBin counts texts with a statistic in [Low, High), in the last bin in
// [Low, High].
type HistogramBin struct {
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Positive int     `json:"positive"`
	Negative int     `json:"negative"`
}

// TextScore is the statistic of one text.
type TextScore struct {
	ID       string  `json:"id"`
	Language string  `json:"language,omitempty"`
	Score    float64 `json:"score"`
}

// LanguageResult is what the data says of a category in one language.
type LanguageResult struct {
	Language string   `json:"language"`
	Positive int      `json:"positive"`
	Negative int      `json:"negative"`
	AP       *float64 `json:"ap,omitempty"`
	AUROC    *float64 `json:"auroc,omitempty"`
	Halt     *Outcome `json:"halt,omitempty"` // verifying half, at the threshold that the patch leaves
}

// Together is what all thresholds for halting do in concert, as the patch leaves
// them, to the verifying half.
type Together struct {
	Halts     int                `json:"halts"`    // categories that have one
	Harmless  Rate               `json:"harmless"` // halted, of texts that violate nothing
	Found     Rate               `json:"found"`    // halted, of texts that violate something
	Languages []TogetherLanguage `json:"languages,omitempty"`
	Delay     *Delay             `json:"delay,omitempty"`
}

// TogetherLanguage is the same for one language.
type TogetherLanguage struct {
	Language string `json:"language"`
	Harmless Rate   `json:"harmless"`
	Found    Rate   `json:"found"`
}
