package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/pattern"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// SnapshotConfig is what a snapshot is made of.
type SnapshotConfig struct {
	Policy *policy.Policy
	Packs  map[string]*lexicon.Pack // by the reference under which the policy's profiles list them
	Models []classifier.Member      // judge every profile that has score thresholds; gates before what they gate
}

// Snapshot is the rules of one moment, compiled: policy, lexicons, models. It
// is immutable and safe for concurrent use.
type Snapshot struct {
	version string
	policy  *policy.Policy
	packs   []*lexicon.Pack
	models  []classifier.Member
	plans   []*plan // one per profile, by name
}

// plan is a profile ready to run.
type plan struct {
	profile        *policy.Profile
	matcher        *lexicon.Matcher
	patterns       *pattern.Set
	patternActions [pattern.NumRules]policy.Action
	models         []classifier.Member
	labels         [][]policy.Category // per model: what its scores count for, NoCategory for nothing
	sources        []policy.Source     // per model
	blocking       bool                // findings of models hold text back: release mode strict
	observe        bool
}

// NewSnapshot compiles the rules. It reports all problems at once: packs that
// are named but not given, pattern rules that do not exist, models that cannot
// be used. Profiles that treat the lexicon alike share one automaton.
func NewSnapshot(c SnapshotConfig) (*Snapshot, error) {
	if c.Policy == nil {
		return nil, errors.New("engine: snapshot without a policy")
	}
	var problems []error
	s := &Snapshot{policy: c.Policy, models: c.Models}
	for _, ref := range slices.Sorted(maps.Keys(c.Packs)) {
		p := c.Packs[ref]
		if slices.ContainsFunc(s.packs, func(q *lexicon.Pack) bool { return q.Name == p.Name }) {
			problems = append(problems, fmt.Errorf("engine: two packs are named %q: rename one", p.Name))
		}
		s.packs = append(s.packs, p)
	}
	problems = append(problems, checkModels(c.Models)...)
	matchers := map[string]*lexicon.Matcher{}
	for _, name := range c.Policy.ProfileNames() {
		profile, _ := c.Policy.Profile(name)
		p := &plan{profile: profile, blocking: profile.Release == policy.Strict, observe: profile.Release == policy.Observe}
		if profile.UsesScores() {
			p.chooseModels(c.Models)
		}
		var err error
		if p.matcher, err = matcherFor(profile, c.Packs, matchers); err != nil {
			problems = append(problems, err)
		}
		if err := p.choosePatterns(); err != nil {
			problems = append(problems, err)
		}
		s.plans = append(s.plans, p)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	s.version = s.digest(c.Models)
	return s, nil
}

// matcherFor returns the automaton of a profile, from done if another profile
// with the same packs and actions has made it.
func matcherFor(p *policy.Profile, packs map[string]*lexicon.Pack, done map[string]*lexicon.Matcher) (*lexicon.Matcher, error) {
	var problems []error
	var chosen []*lexicon.Pack
	key := strings.Builder{}
	for _, name := range p.Packs {
		pack := packs[name]
		if pack == nil {
			problems = append(problems, fmt.Errorf("engine: profile %s: pack %q was not loaded", p.Name, name))
			continue
		}
		chosen = append(chosen, pack)
		fmt.Fprintf(&key, "%q ", name)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	for c := policy.Category(0); c < policy.NumCategories; c++ {
		for sev := policy.Low; sev < policy.NumSeverities; sev++ {
			fmt.Fprintf(&key, "%d", min(p.SeverityAction(c, sev), policy.Redact))
		}
	}
	observe := p.Release == policy.Observe
	fmt.Fprintf(&key, " %t", observe)
	if m := done[key.String()]; m != nil {
		return m, nil
	}
	m, err := lexicon.Compile(chosen, lexicon.Options{
		Keep: func(c policy.Category, s policy.Severity) bool { return p.SeverityAction(c, s) > policy.Allow },
		Hold: func(c policy.Category, s policy.Severity) bool {
			return !observe && p.SeverityAction(c, s) >= policy.Redact
		},
	})
	if err != nil {
		return nil, fmt.Errorf("engine: profile %s: %w", p.Name, err)
	}
	done[key.String()] = m
	return m, nil
}

// choosePatterns compiles the pattern rules that the profile does not allow.
func (p *plan) choosePatterns() error {
	var problems []error
	for _, o := range p.profile.PatternOverrides() {
		if _, err := pattern.ParseRule(o.Rule); err != nil {
			problems = append(problems, fmt.Errorf("%s: profiles.%s.patterns: %w", o.Origin, o.Origin.Profile, err))
		}
	}
	var enabled, hold []pattern.Rule
	for r := pattern.Rule(0); r < pattern.NumRules; r++ {
		a := p.profile.PatternAction(r.String(), r.Category(), r.Severity())
		p.patternActions[r] = a
		if a > policy.Allow {
			enabled = append(enabled, r)
		}
		if a >= policy.Redact && !p.observe {
			hold = append(hold, r)
		}
	}
	p.patterns = pattern.NewSet(enabled, hold)
	return errors.Join(problems...)
}

// checkModels reports models that cannot work together.
func checkModels(models []classifier.Member) []error {
	var problems []error
	for i, m := range models {
		info := m.Batcher.Info()
		for _, before := range models[:i] {
			if before.Batcher.Info().Name == info.Name {
				problems = append(problems, fmt.Errorf("engine: two models are named %q: rename one in its manifest", info.Name))
			}
		}
		if m.Gate == nil {
			continue
		}
		switch {
		case m.Gate.Member < 0 || m.Gate.Member >= i:
			problems = append(problems, fmt.Errorf("engine: model %s: its gate must be a model listed before it", info.Name))
		case info.WindowRunes == 0:
			problems = append(problems, fmt.Errorf("engine: model %s: only a window model can have a gate: a recurrent one must read every stride", info.Name))
		}
	}
	return problems
}

// chooseModels takes the models, and what each one's scores count for in this
// profile. Categories without a threshold need no look.
func (p *plan) chooseModels(models []classifier.Member) {
	p.models = models
	for _, m := range models {
		info := m.Batcher.Info()
		labels := slices.Clone(info.Labels)
		for l, c := range labels {
			if c == policy.NoCategory {
				continue
			}
			t := p.profile.Score(c)
			none := t.Flag >= policy.Never && t.Redact >= policy.Never && t.Halt >= policy.Never
			if none || m.Judges != nil && !slices.Contains(m.Judges, c) {
				labels[l] = policy.NoCategory
			}
		}
		p.labels = append(p.labels, labels)
		p.sources = append(p.sources, policy.Source{Kind: policy.SourceModel, Name: info.Name + "@" + info.Version})
	}
}

// digest is the version: it covers everything that a verdict depends on.
func (s *Snapshot) digest(models []classifier.Member) string {
	h := sha256.New()
	fmt.Fprintf(h, "policy %x\n", s.policy.Digest())
	for _, p := range s.packs {
		fmt.Fprintf(h, "pack %q %x\n", p.Name, p.Digest())
	}
	for _, m := range models {
		i := m.Batcher.Info()
		fmt.Fprintf(h, "model %q %q %d %v\n", i.Name, i.Version, i.StrideRunes, m.Judges)
		if m.Gate != nil {
			fmt.Fprintf(h, "gate %+v\n", *m.Gate)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// Version names the snapshot: 12 hexadecimal digits of a digest of policy,
// packs and models. The same content has the same version on every machine.
func (s *Snapshot) Version() string { return s.version }

// Policy returns the policy.
func (s *Snapshot) Policy() *policy.Policy { return s.policy }

// Packs returns the packs, in the order of their references.
func (s *Snapshot) Packs() []*lexicon.Pack { return slices.Clone(s.packs) }

// Models returns the models, in the order in which they judge.
func (s *Snapshot) Models() []classifier.Member { return slices.Clone(s.models) }

// LexiconBytes returns the memory that the compiled lexicons take.
func (s *Snapshot) LexiconBytes() int {
	n := 0
	var seen []*lexicon.Matcher
	for _, p := range s.plans {
		if !slices.Contains(seen, p.matcher) {
			seen = append(seen, p.matcher)
			n += p.matcher.SizeBytes()
		}
	}
	return n
}
