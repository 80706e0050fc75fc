// Package policy says what is forbidden and what follows: categories,
// severities, actions, the rules that connect them, and the verdicts that come
// of it. It knows no detector.
//
// # Policy files
//
// A policy is one YAML file. Unknown keys, unknown categories and numbers out of
// range are errors with line and column, all reported at once. The values below
// are those that hold where the file is silent, except where a comment says that
// a key is required or "for example".
//
//	version: 1               # required
//	name: my-policy          # required; for the log and for people
//	packs: []                # lexicon packs of all profiles: names of packs in the binary, or paths
//	                         # ending in .yaml or .yml, relative to this file
//	classifier: required     # required: without its models Weir does not start; optional: it goes on with lexicon and patterns
//	models:                  # classifiers, which judge the streams of every profile with score thresholds
//	  - use: weir-harm       # for example: name of a model in the binary, or path of a model's folder, relative to this file
//	  - use: ./my-model      # for example
//	    judges: [hatred]     # for example: the only categories that its scores count for; without the key all it has
//	    gate:                # for example: it judges only what a model before it suspects; only for window models
//	      model: weir-harm
//	      categories: [hatred, discrimination]  # without the key all that the other one has
//	      at_least: 0.3
//	replacement:             # what to show after a halt, by BCP 47 language; en is required
//	  en: This answer was stopped.  # for example
//	redaction:               # what stands in for a redacted span
//	  pattern: "[{rule}]"    # {rule} is the pattern rule's id, {category} the finding's category
//	  lexicon: "***"         # {category} is filled in
//	  model: "***"           # {category} is filled in
//	profiles:                # default is required: it judges streams that name no profile
//	  default:
//	    extends: ""          # a profile whose values hold where this one is silent
//	    release: strict      # strict: nothing unscored is shown; async: models may retract; observe: report only
//	    fail: closed         # when a detector fails: closed halts, degraded goes on without it, open lets everything pass
//	    holdback_runes: 0    # 0 to 4096 runes held back beyond what detectors ask for
//	    prompt_profile: ""   # profile that judges the prompt; "" for this one
//	    packs: []            # in place of the policy's; without the key the policy's hold
//	    patterns:            # single rules of personal information and secrets, in place of their category's rule
//	      email: off         # for example: off or allow, flag, redact, halt
//	    categories:
//	      violence:
//	        score:           # thresholds for scores of models, in [0, 1]; a missing one never applies
//	          flag: 0.5      # for example
//	          redact: 0.8    # for example
//	          halt: 0.9      # for example
//	          sustain_runes: 0  # 0 to 4096: how long a score must stay at or above its threshold
//	        severity:        # mildest severity of lexicon and pattern matches to which the action applies
//	          flag: low      # for example: low, medium, high or critical; a missing one never applies
//	          redact: medium # for example
//	          halt: high     # for example
//	      discrimination: {} # stands for its eight grounds; what a ground says of its own goes before it
//
// The harshest action that applies counts, so within score and within severity
// flag ≤ redact ≤ halt. A profile inherits value by value: to change one
// threshold it names only that one. A null (~) clears an inherited value: a
// threshold or the override of a pattern never applies, a field of the profile
// returns to the value above. A null in place of a list or a mapping is an
// error, since it may be one whose lines were all commented out.
//
// Show prints what it all comes to, with the origin of every value.
package policy
