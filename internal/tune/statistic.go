package tune

// statistic returns the highest threshold at which a score that stays there for
// so many runes is acted on, or 0 if the text is too short for any. The end of a
// run decides, and the shortest run that ends somewhere has the highest minimum,
// so one window slides over the strides; low holds the strides of the window
// that may yet become its minimum, scores rising. Takes O(strides).
func statistic(strides []Stride, label, sustain int, low []int) (best float32, scratch []int) {
	low = low[:0]
	first, head := 0, 0 // first stride of the window, first of low still in it
	begin := 0          // rune where the window begins
	for i := range strides {
		score := strides[i].Scores[label]
		for len(low) > head && strides[low[len(low)-1]].Scores[label] >= score {
			low = low[:len(low)-1]
		}
		low = append(low, i)
		for first < i && strides[i].EndRunes-strides[first].EndRunes >= sustain {
			begin = strides[first].EndRunes
			first++
		}
		for low[head] < first {
			head++
		}
		if strides[i].EndRunes-begin >= sustain {
			best = max(best, strides[low[head]].Scores[label])
		}
	}
	return best, low
}

// halting is where a threshold acts on a text.
type halting struct {
	acts     bool
	runStart int // rune where the run began: all that was released, if the profile is strict
	end      int // rune at which the run was long enough: what async has released
	strides  int // strides judged by then
}

// act plays the engine's rule (engine/judge.go, scored) over the strides.
func act(strides []Stride, label int, threshold float32, sustain int) halting {
	start, before, run := 0, 0, 0
	for i := range strides {
		end := strides[i].EndRunes
		if strides[i].Scores[label] < threshold {
			run = 0
		} else {
			if run == 0 {
				start = before
			}
			run += end - before
			if run >= sustain {
				return halting{true, start, end, i + 1}
			}
		}
		before = end
	}
	return halting{}
}
