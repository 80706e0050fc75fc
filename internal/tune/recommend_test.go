package tune_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// halves makes up texts until each half has so many of both kinds. The score of
// each is given by its half, kind and number.
func halves(positives, negatives int, score func(choosing, violates bool, n int) float32) []tune.Sample {
	var samples []tune.Sample
	for _, violates := range []bool{true, false} {
		want := negatives
		if violates {
			want = positives
		}
		have := map[bool]int{}
		for i := 0; have[true] < want || have[false] < want; i++ {
			id := fmt.Sprintf("%v-%d", violates, i)
			choosing := sha256.Sum256([]byte(id))[0]&1 == 0
			if have[choosing] < want {
				samples = append(samples, text(id, violates, score(choosing, violates, have[choosing])))
				have[choosing]++
			}
		}
	}
	return samples
}

// apart scores violations 0.8 and others 0.2.
func apart(_, violates bool, _ int) float32 {
	if violates {
		return 0.8
	}
	return 0.2
}

func TestHaltByHand(t *testing.T) {
	// Violations at 0.05, 0.1, … 1; other texts at 0.01 but for ten at 0.3 and one
	// at 0.6. Each half the same.
	mixed := func(_, violates bool, n int) float32 {
		switch {
		case violates:
			return float32(n%20+1) / 20
		case n < 10:
			return 0.3
		case n == 10:
			return 0.6
		}
		return 0.01
	}
	for _, c := range []struct {
		name      string
		samples   []tune.Sample
		options   tune.Options
		status    tune.Status
		threshold float64
		says      string
	}{
		{"told apart: the middle", halves(50, 50, apart), tune.Options{MaxFPR: 0.1}, tune.Recommended, 0.5, "keeps the limits on both halves"},
		{"no limit", halves(50, 50, apart), tune.Options{}, tune.NotAsked, 0, "--max-fpr, --min-precision or --min-recall"},
		// 1-(0.025)^(1/n) ≤ 0.1 from n = 36 on.
		{"one text short", halves(50, 35, apart), tune.Options{MaxFPR: 0.1}, tune.TooSmall, 0, "needs at least 36 texts without the violation in each half, about 72 in all, for --max-fpr 0.1 at 95 %; the half that chooses has 35"},
		{"just enough", halves(50, 36, apart), tune.Options{MaxFPR: 0.1}, tune.Recommended, 0.5, ""},
		{"at 0.001", halves(50, 50, apart), tune.Options{MaxFPR: 0.001}, tune.TooSmall, 0, "needs at least 3,688 texts without the violation in each half"},
		{"few violations", halves(9, 50, apart), tune.Options{MaxFPR: 0.1}, tune.TooSmall, 0, "needs at least 10 violations"},
		// 0.025^(1/n) ≥ 0.9 from n = 36 on.
		{"too few for precision", halves(35, 50, apart), tune.Options{MinPrecision: 0.9}, tune.TooSmall, 0, "needs at least 36 violations in each half"},
		{"too few for recall", halves(35, 50, apart), tune.Options{MinRecall: 0.9}, tune.TooSmall, 0, "for --min-recall 0.9"},
		{"enough for recall", halves(36, 50, apart), tune.Options{MinRecall: 0.9}, tune.Recommended, 0.5, ""},
		// 11 of 1,000 are above 0.05: [0.55 %, 1.96 %]; 1 of 1,000 above 0.3: at most 0.56 %.
		{"below the ten", halves(100, 1000, mixed), tune.Options{MaxFPR: 0.02}, tune.Recommended, 0.03, ""},
		{"above the ten", halves(100, 1000, mixed), tune.Options{MaxFPR: 0.01}, tune.Recommended, 0.325, ""},
		{"above all", halves(100, 1000, mixed), tune.Options{MaxFPR: 0.004}, tune.Recommended, 0.625, ""},
		// 90 of 100 violations reach 0.15, which proves 82.4 %; it spares no more than 0.03.
		{"recall alone, nothing to spare", halves(100, 1000, mixed), tune.Options{MinRecall: 0.8}, tune.Recommended, 0.03, ""},
		{"recall alone, ten to spare", halves(100, 1000, func(c, v bool, n int) float32 {
			if !v && n < 10 {
				return 0.07
			}
			return mixed(c, v, n)
		}), tune.Options{MinRecall: 0.8}, tune.Recommended, 0.085, ""},
		{"recall and false alarms", halves(100, 1000, mixed), tune.Options{MaxFPR: 0.01, MinRecall: 0.8}, tune.Unreachable, 0, "at most 70 of 100 violations are found within --max-fpr 0.01, which proves a recall of only 60 %"},
		{"no violation above", halves(50, 200, func(c, v bool, n int) float32 { return 1 - apart(c, v, n) }), tune.Options{MaxFPR: 0.1}, tune.Unreachable, 0, "no threshold finds a violation and keeps --max-fpr 0.1"},
		{"contradicted", halves(50, 50, func(choosing, violates bool, n int) float32 {
			if !choosing && !violates && n < 25 {
				return 0.7
			}
			return apart(choosing, violates, n)
		}), tune.Options{MaxFPR: 0.1}, tune.Contradicted, 0, "it acts on 25 of 50 other texts there"},
		{"verified in part", halves(50, 36, func(choosing, violates bool, n int) float32 {
			if !choosing && !violates && n == 0 {
				return 0.7
			}
			return apart(choosing, violates, n)
		}), tune.Options{MaxFPR: 0.1}, tune.Recommended, 0.5, "not enough to prove them by itself"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.Labels = sexual
			r := analyse(t, c.samples, c.options)
			got := r.Categories[0].Halt
			if got.Status != c.status || !close3(got.Threshold, c.threshold) || !strings.Contains(got.Why, c.says) {
				t.Errorf("got %s at %v: %s\nwant %s at %v: %s", got.Status, got.Threshold, got.Why, c.status, c.threshold, c.says)
			}
			if patched := strings.Contains(string(r.Patch()), "halt:"); patched != (c.status == tune.Recommended) {
				t.Errorf("the patch says:\n%s", r.Patch())
			}
		})
	}
}

// close3 allows for where the middle of a range falls on the grid.
func close3(a, b float64) bool { return a-b < 0.0011 && b-a < 0.0011 }

// TestLimitHolds draws data many times from a distribution whose rate of false
// alarms is known: a threshold that breaks the limit in truth must be as rare as
// the confidence says. It is what recommending on the raw rate fails at.
func TestLimitHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 11))
	const limit, runs = 0.05, 300
	broken, recommended, raw := 0, 0, 0
	for range runs {
		samples := halves(30, 400, func(_, violates bool, _ int) float32 {
			if violates {
				return 1
			}
			return rng.Float32()
		})
		h := analyse(t, samples, tune.Options{Labels: sexual, MaxFPR: limit, SustainRunes: []int{0}}).Categories[0].Halt
		if h.Status != tune.Recommended {
			continue
		}
		recommended++
		// The middle of equals is no test of the bound; the lowest of them is.
		lowest := 0.0
		for _, s := range samples {
			if v := s.Strides[0].Scores[0]; s.Positive == 0 && float64(v) < h.Threshold && sha256.Sum256([]byte(s.ID))[0]&1 == 0 {
				lowest = max(lowest, float64(v))
			}
		}
		if 1-lowest > limit {
			broken++
		}
		if h.Chosen.FPR.Share > limit {
			raw++
		}
	}
	if recommended < runs*9/10 {
		t.Errorf("%d of %d recommended: too few to say anything", recommended, runs)
	}
	if raw > 0 {
		t.Errorf("%d recommendations are above the limit on the data that chose them", raw)
	}
	// 2.5 % in truth; 5.5 % is three standard errors away.
	if share := float64(broken) / float64(recommended); share > 0.055 {
		t.Errorf("%.1f %% of thresholds break the limit, want about 2.5 %%", 100*share)
	}
}

func TestFlag(t *testing.T) {
	never := policy.Threshold{Flag: policy.Never, Redact: policy.Never, Halt: policy.Never}
	with := func(change func(*policy.Threshold)) []policy.Threshold {
		c := never
		change(&c)
		return []policy.Threshold{c}
	}
	for _, c := range []struct {
		name    string
		samples []tune.Sample
		options tune.Options
		status  tune.Status
		patch   string
	}{
		{"told apart", halves(50, 50, apart), tune.Options{MaxFPR: 0.1}, tune.Recommended, "{flag: 0.35, halt: 0.5, sustain_runes: 0}"},
		{"too few", halves(9, 50, apart), tune.Options{}, tune.TooSmall, ""},
		{"nothing told apart", halves(50, 50, func(bool, bool, int) float32 { return 0.5 }), tune.Options{}, tune.Unreachable, ""},
		{"told apart by luck", halves(50, 50, func(choosing, violates bool, n int) float32 {
			if choosing {
				return apart(choosing, violates, n)
			}
			return 0.5
		}), tune.Options{}, tune.Contradicted, ""},
		{"not above the policy's halt", halves(50, 50, apart), tune.Options{Current: with(func(c *policy.Threshold) { c.Halt = 0.3 })}, tune.Recommended, "{flag: 0.25}"},
		{"not above the policy's redact", halves(50, 50, apart), tune.Options{Current: with(func(c *policy.Threshold) { c.Redact = 0.3 })}, tune.Recommended, "{flag: 0.25}"},
		{"halt not below redact", halves(50, 50, apart), tune.Options{MaxFPR: 0.1, Current: with(func(c *policy.Threshold) { c.Redact = 0.7 })}, tune.Recommended, "{flag: 0.45, halt: 0.75}"},
		{"nothing found up to redact", halves(50, 50, apart), tune.Options{Current: with(func(c *policy.Threshold) { c.Redact = 0.00001 })}, tune.Unreachable, ""},
		{"unchanged", halves(50, 50, apart), tune.Options{MaxFPR: 0.1, Current: with(func(c *policy.Threshold) { c.Halt, c.Flag = 0.5, 0.35 })}, tune.Recommended, ""},
		{"the policy's halt keeps its sustain_runes", halves(50, 50, apart), tune.Options{SustainRunes: []int{0}, Current: with(func(c *policy.Threshold) { c.Halt, c.SustainRunes = 0.5, 10 })}, tune.Recommended, "{flag: 0.35}"},
		{"the policy's sustain_runes, if none are given", halves(50, 50, apart), tune.Options{Current: with(func(c *policy.Threshold) { c.SustainRunes = 10 })}, tune.Recommended, "{flag: 0.5}"},
		{"other sustain_runes", halves(50, 50, apart), tune.Options{SustainRunes: []int{5}, Current: with(func(c *policy.Threshold) { c.SustainRunes = 10 })}, tune.Recommended, "{flag: 0.5, sustain_runes: 5}"},
		{"sustain_runes that find nothing", halves(50, 50, apart), tune.Options{MaxFPR: 0.1, SustainRunes: []int{11, 10}, Current: with(func(*policy.Threshold) {})}, tune.Recommended, "{flag: 0.35, halt: 0.5, sustain_runes: 10}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.Labels = sexual
			r := analyse(t, c.samples, c.options)
			x := r.Categories[0]
			got := ""
			if x.Change != nil {
				got = "{" + x.Change.String() + "}"
			}
			if x.Flag.Status != c.status || got != c.patch {
				t.Errorf("got %s: %s, patch %q; want %s, %q", x.Flag.Status, x.Flag.Why, got, c.status, c.patch)
			}
		})
	}
}

// TestPatchMerges puts the patch over the default policy: it must still parse
// and then say what the report recommends.
func TestPatchMerges(t *testing.T) {
	file, err := os.ReadFile("../../models/policy/default.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, err := policy.Parse("default.yaml", file)
	if err != nil {
		t.Fatal(err)
	}
	profile, _ := before.Profile("default")
	o := exampleOptions()
	o.Bootstrap = -1
	for i, c := range o.Labels {
		o.Current[i] = profile.Score(c)
	}
	r := analyse(t, exampleSamples(), o)
	var base, patch map[string]any
	if err := yaml.Unmarshal(file, &base); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(r.Patch(), &patch); err != nil {
		t.Fatalf("%v in\n%s", err, r.Patch())
	}
	merge(base, patch)
	merged, err := yaml.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	after, err := policy.Parse("merged.yaml", merged)
	if err != nil {
		t.Fatal(err)
	}
	profile, _ = after.Profile("default")
	changed := 0
	for i, c := range o.Labels {
		x, got := r.Categories[i], profile.Score(c)
		want := o.Current[i]
		if x.Flag.Status == tune.Recommended {
			want.Flag, want.SustainRunes = float32(x.Flag.Threshold), x.SustainRunes
		}
		if x.Halt.Status == tune.Recommended {
			want.Halt, want.SustainRunes = float32(x.Halt.Threshold), x.SustainRunes
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", c, got, want)
		}
		if got != o.Current[i] {
			changed++
		}
	}
	if changed < 2 {
		t.Errorf("the patch changes %d categories: want some", changed)
	}
}

func merge(into, from map[string]any) {
	for k, v := range from {
		sub, ok := v.(map[string]any)
		old, both := into[k].(map[string]any)
		if ok && both {
			merge(old, sub)
		} else {
			into[k] = v
		}
	}
}

func TestPatchQuotesProfiles(t *testing.T) {
	for _, name := range []string{"default", "1.5", "null", "yes", "No", "a.b-c_d", "0x10"} {
		r := analyse(t, halves(50, 50, apart), tune.Options{Labels: sexual, MaxFPR: 0.1, Profile: name})
		var patch struct {
			Profiles map[string]any
		}
		if err := yaml.Unmarshal(r.Patch(), &patch); err != nil || patch.Profiles[name] == nil {
			t.Errorf("profile %s is lost: %v\n%s", name, err, r.Patch())
		}
	}
	r := analyse(t, halves(5, 5, apart), tune.Options{Labels: sexual})
	var nothing map[string]any
	if err := yaml.Unmarshal(r.Patch(), &nothing); err != nil || nothing == nil || len(nothing) != 0 {
		t.Errorf("without changes: %v, %v, want an empty mapping", nothing, err)
	}
}

// TestLanguagesAndTogether has false halts in one language alone.
func TestLanguagesAndTogether(t *testing.T) {
	samples := halves(60, 400, func(_, violates bool, n int) float32 {
		if violates || n < 20 {
			return 0.8
		}
		return 0.2
	})
	for i := range samples {
		samples[i].Language = "en"
		if s := &samples[i]; s.Positive == 0 && s.Strides[0].Scores[0] > 0.5 {
			s.Language = "ja"
		}
	}
	r := analyse(t, samples, tune.Options{Labels: sexual, MaxFPR: 0.1})
	c := r.Categories[0]
	if c.Halt.Status != tune.Recommended || len(c.Languages) != 2 || c.Languages[1].Halt.FPR.Count != 20 {
		t.Fatalf("halt %s, languages %+v", c.Halt.Status, c.Languages)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "in ja, halting at") {
		t.Errorf("warnings %q, want one for ja", c.Warnings)
	}
	if r.Together.Harmless.Count != 20 || r.Together.Harmless.Of != 400 || r.Together.Found.Share != 1 {
		t.Errorf("together %+v", r.Together)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "together, in ja") {
		t.Errorf("warnings %q, want one for ja", r.Warnings)
	}
	var b bytes.Buffer
	if err := r.WriteText(&b); err != nil || !strings.Contains(b.String(), "warning: in ja") {
		t.Errorf("%v, the text lacks the warning:\n%s", err, b.String())
	}
}

// TestCurrentThatBreaksALimit warns about it, and leaves it alone.
func TestCurrentThatBreaksALimit(t *testing.T) {
	samples := halves(50, 200, func(bool, bool, int) float32 { return 0.9 })
	c := analyse(t, samples, tune.Options{
		Labels: sexual, MaxFPR: 0.1,
		Current: []policy.Threshold{{Flag: policy.Never, Redact: policy.Never, Halt: 0.5}},
	}).Categories[0]
	if c.Change != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "halts at 0.5 today, which breaks a limit") {
		t.Errorf("change %v, warnings %q", c.Change, c.Warnings)
	}
}
