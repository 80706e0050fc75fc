package pattern_test

import (
	"fmt"
	"strings"
)

// Makers of synthetic numbers with valid check digits, written by the book and
// not by the code under test.

// residentID completes 17 digits by GB 11643: weights 2^(18-i) mod 11.
func residentID(body string) string {
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		sum += int(body[i]-'0') * w
	}
	return body + string("10X98765432"[sum%11])
}

// card completes a number with its Luhn digit.
func card(body string) string {
	sum := 0
	for i := range len(body) {
		d := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return body + fmt.Sprint((10-sum%10)%10)
}

// myNumber completes 11 digits by Ordinance No. 85 of 2014.
func myNumber(body string) string {
	sum := 0
	for n := 1; n <= 11; n++ {
		p, q := int(body[11-n]-'0'), n+1
		if n >= 7 {
			q = n - 5
		}
		sum += p * q
	}
	check := 0
	if rest := sum % 11; rest > 1 {
		check = 11 - rest
	}
	return body + fmt.Sprint(check)
}

// iban completes country and national part with check digits by ISO 13616.
func iban(country, national string) string {
	rest := 0
	for _, c := range national + country + "00" {
		if c <= '9' {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, national)
}

// grouped cuts s into groups of the given lengths.
func grouped(s, separator string, lengths ...int) string {
	var groups []string
	for _, n := range lengths {
		groups = append(groups, s[:n])
		s = s[n:]
	}
	return strings.Join(append(groups, s), separator)
}
