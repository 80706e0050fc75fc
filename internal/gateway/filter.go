package gateway

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// filterKey returns the key under which Azure's content_filter_results have a
// category; those that Azure has no name for keep their own.
func filterKey(c policy.Category) string {
	switch c {
	case policy.Violence, policy.Terrorism:
		return "violence"
	case policy.Hatred, policy.Harassment,
		policy.DiscriminationEthnicity, policy.DiscriminationBelief, policy.DiscriminationNationality, policy.DiscriminationRegion,
		policy.DiscriminationGender, policy.DiscriminationAge, policy.DiscriminationOccupation, policy.DiscriminationHealth:
		return "hate"
	case policy.Sexual:
		return "sexual"
	case policy.SelfHarm:
		return "self_harm"
	case policy.PromptAttack:
		return "jailbreak"
	}
	return c.String()
}

// filterLevels are Azure's severities.
var filterLevels = [...]string{"safe", "low", "medium", "high"}

// filterLevel returns an index of filterLevels. Findings of models have no
// severity; what the policy does about them stands in.
func filterLevel(f *policy.Finding) int {
	switch {
	case f.Severity != policy.SeverityNone:
		return min(int(f.Severity), 3)
	case f.Action == policy.Halt:
		return 3
	case f.Action == policy.Redact:
		return 2
	}
	return 1
}

// maxFindings is how many findings one answer reports.
const maxFindings = 100

// results returns content_filter_results for the findings of one scope (all for
// nil): Azure's four categories, whatever else was found, and under "weir" the
// findings themselves.
func (a *Answer) results(scope any) *node {
	var own []policy.Finding
	details := list()
	for i := range a.findings {
		f := &a.findings[i]
		if scope != nil && f.scope != scope {
			continue
		}
		own = append(own, f.Finding)
		if len(details.nodes) < maxFindings {
			details.nodes = append(details.nodes, a.detail(f))
		}
	}
	n := filterResults(own)
	if len(own) > 0 && a.exchange.guard.Options.Findings != DetailNone {
		n.set("weir", object("findings", details, "snapshot_version", a.exchange.snapshot.Version()))
	}
	return n
}

// detail describes a finding as far as the operator lets clients know.
func (a *Answer) detail(f *finding) *node {
	n := object("category", f.Category.String(), "severity", f.Severity.String(), "action", f.Action.String())
	full := a.exchange.guard.Options.Findings == DetailFull
	if full {
		n.set("score", value(f.Score)).set("threshold", value(f.Threshold))
	}
	n.set("channel", value(f.channel)).set("start_offset", value(int64(f.Span.Start))).set("end_offset", value(int64(f.Span.End)))
	if !full {
		return n.set("source", value(f.Source.Kind.String()+":"+f.Source.Name))
	}
	n.set("source", value(f.Source.String()))
	return n.set("explanation", value(policy.Explain(f.Finding, a.exchange.profile, a.exchange.snapshot.Version())))
}

// Cause explains the first halt, for the log, without the channel, whose name is
// made of names that the upstream chose.
func (a *Answer) Cause() string {
	for i := range a.findings {
		if f := &a.findings[i]; f.Action == policy.Halt {
			return policy.Explain(f.Finding, a.exchange.profile, a.exchange.snapshot.Version())
		}
	}
	return ""
}

// foundIn reports whether a scope has findings.
func (a *Answer) foundIn(scope any) bool {
	for i := range a.findings {
		if a.findings[i].scope == scope {
			return true
		}
	}
	return false
}

// filterResults sums findings up in Azure's words.
func filterResults(findings []policy.Finding) *node {
	type sum struct {
		key      string
		level    int
		filtered bool
	}
	sums := []sum{{key: "hate"}, {key: "self_harm"}, {key: "sexual"}, {key: "violence"}}
	for i := range findings {
		f := &findings[i]
		key, at := filterKey(f.Category), -1
		for j := range sums {
			if sums[j].key == key {
				at = j
			}
		}
		if at < 0 {
			at = len(sums)
			sums = append(sums, sum{key: key})
		}
		sums[at].level = max(sums[at].level, filterLevel(f))
		sums[at].filtered = sums[at].filtered || f.Action >= policy.Redact
	}
	n := object()
	for _, s := range sums {
		r := object("filtered", s.filtered, "severity", filterLevels[s.level])
		if s.key == "jailbreak" {
			r.set("detected", value(s.level > 0))
		}
		n.set(s.key, r)
	}
	return n
}
