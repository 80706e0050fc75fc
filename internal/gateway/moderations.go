package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// moderationCategories are OpenAI's, in its order. Weir does not tell those with a
// slash apart; they are false always.
var moderationCategories = [...]string{
	"harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm", "self-harm/instructions",
	"self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
}

// moderationKey returns the name of a category in /v1/moderations. Those that
// OpenAI has no name for keep their own.
func moderationKey(c policy.Category) string {
	switch c {
	case policy.Harassment:
		return "harassment"
	case policy.SelfHarm:
		return "self-harm"
	case policy.PromptAttack:
		return c.String()
	}
	return filterKey(c)
}

// maxInputs is how many texts one moderation request may have.
const maxInputs = 2048

// Moderate answers a request of /v1/moderations: every input is judged by the
// guard's profile. flagged is set from the action flag on.
func (g *Guard) Moderate(ctx context.Context, body []byte) *Refusal {
	x := &Exchange{guard: g, snapshot: g.Engine.Snapshot()}
	request, err := parse(body)
	var inputs []moderationInput
	if err == nil {
		inputs, err = moderationInputs(request.get("input"))
	}
	if err != nil {
		return x.refuse(http.StatusBadRequest, "invalid_request_error", "invalid_input", "the request cannot be judged: "+err.Error())
	}
	results := list()
	for _, in := range inputs {
		r, err := g.moderate(ctx, x.snapshot, in)
		if errors.Is(err, engine.ErrUnknownProfile) {
			return x.refuse(http.StatusInternalServerError, "server_error", "weir_profile", "the guard's profile is not in its policy: the operator must set another")
		} else if err != nil {
			return x.refuse(http.StatusInternalServerError, "server_error", "weir_failed", "the input could not be judged")
		}
		results.nodes = append(results.nodes, r)
	}
	n := object("id", "modr-"+rand.Text(), "model", "weir-"+x.snapshot.Version(), "results", results)
	return &Refusal{Status: http.StatusOK, Body: n.append(nil)}
}

type moderationInput struct {
	text   []byte
	images bool
}

// moderationInputs reads a string, a list of strings, or a list of parts, which
// are one input.
func moderationInputs(n *node) ([]moderationInput, error) {
	switch {
	case is(n, '"'):
		return []moderationInput{{text: n.text}}, nil
	case !is(n, '[') || len(n.nodes) == 0:
		return nil, errors.New("input is neither a string nor a list")
	case len(n.nodes) > maxInputs:
		return nil, fmt.Errorf("input has %d elements: send %d at most", len(n.nodes), maxInputs)
	}
	var out []moderationInput
	var parts prompt
	images := false
	for i, m := range n.nodes {
		switch {
		case is(m, '"'):
			out = append(out, moderationInput{text: m.text})
		case m.get("type").string() == "text":
			parts.text(m.get("text"))
		case m.get("type").string() == "image_url":
			images = true
		default:
			return nil, fmt.Errorf("input[%d] is neither a string nor a part of type text", i)
		}
	}
	if images && len(parts.out) == 0 {
		return nil, errors.New("input has pictures alone, which the guard cannot judge")
	}
	if len(parts.out) > 0 {
		out = append(out, moderationInput{parts.out, images})
	}
	return out, nil
}

func (g *Guard) moderate(ctx context.Context, snapshot *engine.Snapshot, in moderationInput) (*node, error) {
	scores := map[string]float32{}
	v, err := g.Engine.Check(ctx, engine.StreamOptions{
		Profile: g.Options.Profile, Snapshot: snapshot,
		Scores: func(s engine.Stride) {
			for i, score := range s.Scores {
				key := moderationKey(s.Labels[i])
				scores[key] = max(scores[key], score)
			}
		},
	}, in.text)
	if err != nil {
		return nil, err
	}
	flagged := map[string]bool{}
	for i := range v.Findings {
		f := &v.Findings[i]
		key := moderationKey(f.Category)
		flagged[key] = true
		scores[key] = max(scores[key], f.Score)
	}
	categories, values, applied := object(), object(), object()
	add := func(key string) {
		categories.set(key, value(flagged[key]))
		values.set(key, value(scores[key]))
		applied.set(key, list(value("text")))
	}
	for _, key := range moderationCategories {
		add(key)
	}
	for c := range policy.Category(policy.NumCategories) {
		if key := moderationKey(c); categories.get(key) == nil {
			add(key)
		}
	}
	return object("flagged", v.Action >= policy.Flag, "categories", categories, "category_scores", values, "category_applied_input_types", applied), nil
}
