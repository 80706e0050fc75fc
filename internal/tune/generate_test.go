package tune_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// generated describes texts of one category and language to make up.
type generated struct {
	category policy.Category
	language string
	texts    int
	strength float64 // how far violations lift the score, in units of its noise
}

const strideRunes = 8

// generate makes up scores that behave like a model's: noise around a low level
// while a text is harmless, and a rise over a few strides once the violation has
// begun. The same seed makes the same texts.
func generate(seed uint64, labels []policy.Category, harmless map[string]int, kinds []generated) []tune.Sample {
	rng := rand.New(rand.NewPCG(seed, 1))
	var samples []tune.Sample
	add := func(language string, category policy.Category, strength float64) {
		s := tune.Sample{ID: fmt.Sprintf("%s-%05d", language, len(samples)), Language: language, Runes: 24 + rng.IntN(400), Onset: -1}
		begins := s.Runes
		if category != policy.NoCategory {
			s.Positive = s.Positive.Set(category)
			begins = rng.IntN(1 + s.Runes*3/4)
			if rng.IntN(3) > 0 {
				s.Onset = begins
			}
		}
		bias := rng.NormFloat64()
		for end := 0; end < s.Runes; {
			end = min(end+strideRunes, s.Runes)
			r := tune.Stride{EndRunes: end}
			for _, c := range labels {
				level := -6 + bias + 0.7*rng.NormFloat64()
				if c == category && end > begins {
					level += strength * (1 - math.Exp(-float64(end-begins)/20))
				}
				r.Scores = append(r.Scores, float32(1/(1+math.Exp(-level))))
			}
			s.Strides = append(s.Strides, r)
		}
		samples = append(samples, s)
	}
	for _, language := range []string{"", "en", "ja", "zh"} {
		for range harmless[language] {
			add(language, policy.NoCategory, 0)
		}
	}
	for _, k := range kinds {
		for range k.texts {
			add(k.language, k.category, k.strength+1.5*rng.NormFloat64())
		}
	}
	return samples
}

// exampleLabels and exampleSamples are the report that the golden files show:
// good, middling and useless scores, too few texts, none at all, and unknowns.
var exampleLabels = []policy.Category{policy.Illicit, policy.Harassment, policy.SelfHarm, policy.DiscriminationAge, policy.Misinformation}

func exampleSamples() []tune.Sample {
	samples := generate(3, exampleLabels, map[string]int{"en": 5000, "zh": 4500, "ja": 700}, []generated{
		{policy.Illicit, "en", 400, 9}, {policy.Illicit, "zh", 350, 8}, {policy.Illicit, "ja", 40, 6},
		{policy.Harassment, "en", 300, 6}, {policy.Harassment, "zh", 260, 5},
		{policy.SelfHarm, "en", 9, 7},
		{policy.DiscriminationAge, "zh", 90, 0},
	})
	for i := range samples {
		if i%7 == 0 && !samples[i].Positive.Has(policy.Harassment) {
			samples[i].Unknown = samples[i].Unknown.Set(policy.Harassment)
		}
	}
	return samples
}

func exampleOptions() tune.Options {
	never := policy.Threshold{Flag: policy.Never, Redact: policy.Never, Halt: policy.Never}
	current := make([]policy.Threshold, len(exampleLabels))
	for i := range current {
		current[i] = never
		current[i].Flag, current[i].SustainRunes = 0.5, 8
	}
	current[0].Halt, current[1].Halt = 0.98, 0.3
	return tune.Options{
		Labels: exampleLabels, Current: current,
		MaxFPR: 0.001, MinPrecision: tune.NoLimit(), MinRecall: tune.NoLimit(),
		SustainRunes: []int{8, 16}, Bootstrap: 200, Seed: 1,
		Model: "zzmodel@1", Source: "zzlabels.jsonl",
	}
}
