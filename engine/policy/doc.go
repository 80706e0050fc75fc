// Package policy says what is forbidden and what follows: categories,
// severities, actions, the rules that connect them, and the verdicts that come
// of it. It knows no detector.
//
// # Policy files
//
// A policy is one YAML file. Unknown keys, unknown categories and numbers out of
// range are errors with line and column, all reported at once.
//
//	version: 1               # required
//	name: my-policy          # required
//	packs: []                # lexicon packs of all profiles: names of packs in the binary, or paths
//	                         # ending in .yaml or .yml, relative to this file
//	replacement:             # what to show after a halt, by BCP 47 language; en is required
//	  en: This answer was stopped.
//	redaction:               # what stands in for a redacted span; {rule} and {category} are filled in
//	  pattern: "[{rule}]"
//	  lexicon: "***"
//	  model: "***"
//	profiles:                # default is required
//	  default:
//	    extends: ""          # a profile whose values hold where this one is silent
//	    release: strict      # strict: nothing unscored is shown; async: models may retract; observe: report only
//	    fail: closed         # when a detector fails: closed halts, degraded goes on without it, open lets everything pass
//	    holdback_runes: 0    # 0 to 4096 runes held back beyond what detectors ask for
//	    prompt_profile: ""   # profile that judges the prompt; "" for this one
//	    packs: []            # in place of the policy's
//	    patterns:            # single rules of personal information and secrets, in place of their category's rule
//	      email: off         # off, allow, flag, redact or halt
//	    categories:
//	      violence:
//	        score:           # thresholds for scores of models, in [0, 1]; a missing one never applies
//	          flag: 0.5
//	          redact: 0.8
//	          halt: 0.9
//	          sustain_runes: 0  # how long a score must stay at or above its threshold
//	        severity:        # mildest severity of lexicon and pattern matches to which the action applies
//	          flag: low
//	          redact: medium
//	          halt: high
//	      discrimination: {} # stands for its eight grounds; a ground of its own goes before it
//
// The harshest action that applies counts. A key that is missing is inherited,
// or off; null (~) clears what was inherited.
package policy
