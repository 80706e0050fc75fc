// Package policy says what is forbidden and what follows: categories,
// severities, actions, the rules that connect them, and the verdicts that come
// of it. It knows no detector.
//
// # Policy files
//
// A policy is one YAML file. Unknown keys, unknown categories, profiles that
// extend each other in a circle and numbers out of range are errors with line
// and column, all reported at once. This file has every key; the values are
// what holds if the key is missing, except where the comment says otherwise.
//
//	version: 1               # required
//	name: my-policy          # required, up to 64 letters, digits, blanks, dots, hyphens, underscores
//	packs: []                # lexicon packs of all profiles: names of packs in the binary, or paths
//	                         # ending in .yaml or .yml, relative to this file
//	replacement:             # what to show after a halt, by BCP 47 language; en is required and
//	  en: We stopped here.   # serves the languages that have no text
//	redaction:               # what stands in for a redacted span; {category} is filled in, and
//	  pattern: "[{rule}]"    # for patterns {rule}, the id of the rule
//	  lexicon: "***"
//	  model: "***"
//	profiles:                # default is required; up to 64 letters a to z, digits, dots, hyphens, underscores
//	  default:
//	    extends: ""          # profile whose values hold where this one is silent; "" for none
//	    release: strict      # strict: nothing unscored is shown; async: models may retract; observe: report only
//	    fail: closed         # when a detector fails: closed halts, degraded goes on without it, open lets everything pass
//	    holdback_runes: 0    # 0 to 4096 runes held back beyond what detectors ask for
//	    prompt_profile: ""   # profile that judges the prompt; "" for this one
//	    packs: []            # in place of the policy's, which hold if the key is missing
//	    patterns:            # single rules of personal information and secrets, in place of their
//	      email: off         # category's severities: off, allow, flag, redact or halt; off is allow
//	    categories:          # none has a rule unless it is written (example values)
//	      violence:
//	        score:           # thresholds for scores of models, in [0, 1]; without one the action never applies
//	          flag: 0.5
//	          redact: 0.8
//	          halt: 0.9
//	          sustain_runes: 0  # 0 to 4096 runes that a score must stay at or above the threshold
//	        severity:        # mildest severity of lexicon and pattern matches to which the action
//	          flag: low      # applies: low, medium, high or critical; without one it never applies
//	          redact: medium
//	          halt: high
//	      discrimination: {} # stands for its eight grounds; a ground of its own goes before it
//
// The harshest action that applies counts. Harsher actions need at least as
// much as milder ones: flag ≤ redact ≤ halt, after inheritance.
//
// Every value is inherited by itself through extends. A null value (~) clears
// what was inherited and leaves what holds if no profile says anything. Null in
// place of a whole section is an error, so that a section whose lines were all
// commented out switches nothing off.
package policy
