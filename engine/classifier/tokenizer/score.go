package tokenizer

import (
	"math"
	"strconv"
)

// parseScore reads a JSON number as the original's JSON library does: it rounds
// once for the digits and once for the power of ten, which is off by a bit in one
// score of twelve. Two ways to cut a text often consist of the same tokens in
// another order, and then the last bit decides.
func parseScore(s string) (score float64, ok bool) {
	digits, exponent, negative := uint64(0), 0, false
	i := 0
	if i < len(s) && s[i] == '-' {
		negative = true
		i++
	}
	fraction, full, float := false, false, false
	for ; i < len(s) && s[i] != 'e' && s[i] != 'E'; i++ {
		if s[i] == '.' {
			fraction, float = true, true
			continue
		}
		d := uint64(s[i] - '0')
		if full || digits > (math.MaxUint64-d)/10 {
			full = true // the digits from here on are not looked at
			if !fraction {
				exponent++
				float = true
			}
			continue
		}
		digits = digits*10 + d
		if fraction {
			exponent--
		}
	}
	if i < len(s) {
		e, err := strconv.Atoi(s[i+1:])
		if err != nil {
			return 0, false
		}
		exponent, float = exponent+e, true
	}
	score = float64(digits)
	if float {
		score, ok = scale(score, exponent)
		if !ok {
			return 0, false
		}
	}
	if negative {
		score = -score
	}
	return score, true
}

// scale multiplies by a power of ten, by steps that a float64 has.
func scale(f float64, exponent int) (float64, bool) {
	for exponent < -308 {
		if f == 0 {
			return 0, true
		}
		f /= 1e308
		exponent += 308
	}
	if exponent > 308 {
		return f, f == 0
	}
	power, err := strconv.ParseFloat("1e"+strconv.Itoa(max(exponent, -exponent)), 64)
	if err != nil {
		return 0, false
	}
	if exponent < 0 {
		return f / power, true
	}
	f *= power
	return f, !math.IsInf(f, 0)
}
