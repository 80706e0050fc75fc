// Package tune chooses score thresholds from labelled texts and says what they
// are worth.
//
// It gets the scores of every stride of every text, and which categories the
// text violates. The engine acts on a text when a score stays at or above a
// threshold for sustain_runes, so all that a threshold needs to know of a text
// is one number, its statistic: the highest threshold at which the engine would
// still act. Without sustain_runes that is the maximum over the strides; with
// it, the maximum over all runs long enough of the minimum in the run. Every
// curve, rate and recommendation is computed from the statistics of the texts
// that violate a category (positives) and of those that don't (negatives).
//
// The naive way to choose is to take the lowest threshold at which few enough
// harmless texts are halted in the data. It promises too much, twice over.
//
// First, few texts prove little: no false alarm among 400 texts is what a rate
// of 0.7 % gives one time in twenty. So a limit is held against the bound of the
// Clopper-Pearson interval (Biometrika 26, 1934), which is exact: its bounds are
// quantiles of the beta distribution. If even a flawless result could not reach
// the limit, Analyse says how many texts would be needed and recommends nothing.
//
// Second, a threshold looks best on the data that chose it. So a hash of its id
// puts every text into one of two halves for good: the first chooses, the second
// verifies. Only the figures of the second are reported for the threshold, and
// what they contradict is not recommended.
//
// Average precision and area under the ROC curve get percentile intervals from
// a bootstrap that draws positives and negatives apart (stratified), so that a
// rare category is present in every draw. Metrics equal scikit-learn's; the
// tests hold them to 1e-9.
package tune
