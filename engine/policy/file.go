package policy

import "github.com/seed-4f09bd3a/weir/internal/strictyaml"

// policyFile is the file's shape; doc.go says what the keys mean.
type policyFile struct {
	Pos         strictyaml.Pos                                   `yaml:"-"`
	Version     strictyaml.Optional[int]                         `yaml:"version"`
	Name        strictyaml.Optional[policyName]                  `yaml:"name"`
	Packs       packList                                         `yaml:"packs"`
	Classifier  strictyaml.Optional[classifierNeed]              `yaml:"classifier"`
	Models      strictyaml.Optional[[]modelFile]                 `yaml:"models"`
	Replacement strictyaml.Optional[map[language]optional]       `yaml:"replacement"`
	Redaction   strictyaml.Optional[redactionFile]               `yaml:"redaction"`
	Profiles    map[profileName]strictyaml.Optional[profileFile] `yaml:"profiles"`
}

type (
	optional = strictyaml.Optional[string]
	packList = strictyaml.Optional[[]optional]
)

type redactionFile struct {
	Pattern optional `yaml:"pattern"`
	Lexicon optional `yaml:"lexicon"`
	Model   optional `yaml:"model"`
}

type profileFile struct {
	Extends       optional                                                                `yaml:"extends"`
	Release       strictyaml.Optional[Release]                                            `yaml:"release"`
	Fail          strictyaml.Optional[FailMode]                                           `yaml:"fail"`
	HoldbackRunes strictyaml.Optional[holdbackRunes]                                      `yaml:"holdback_runes"`
	PromptProfile optional                                                                `yaml:"prompt_profile"`
	Packs         packList                                                                `yaml:"packs"`
	Patterns      strictyaml.Optional[map[ruleName]strictyaml.Optional[patternAction]]    `yaml:"patterns"`
	Categories    strictyaml.Optional[map[categoryKey]strictyaml.Optional[categoryRules]] `yaml:"categories"`
}

type categoryRules struct {
	Score    strictyaml.Optional[scoreRules]    `yaml:"score"`
	Severity strictyaml.Optional[severityRules] `yaml:"severity"`
}

type scoreRules struct {
	Flag         strictyaml.Optional[probability]  `yaml:"flag"`
	Redact       strictyaml.Optional[probability]  `yaml:"redact"`
	Halt         strictyaml.Optional[probability]  `yaml:"halt"`
	SustainRunes strictyaml.Optional[sustainRunes] `yaml:"sustain_runes"`
}

type severityRules struct {
	Flag   strictyaml.Optional[severityName] `yaml:"flag"`
	Redact strictyaml.Optional[severityName] `yaml:"redact"`
	Halt   strictyaml.Optional[severityName] `yaml:"halt"`
}

func (r *scoreRules) at(a Action) strictyaml.Optional[probability] {
	return [NumActions]strictyaml.Optional[probability]{Flag: r.Flag, Redact: r.Redact, Halt: r.Halt}[a]
}

func (r *severityRules) at(a Action) strictyaml.Optional[severityName] {
	return [NumActions]strictyaml.Optional[severityName]{Flag: r.Flag, Redact: r.Redact, Halt: r.Halt}[a]
}
