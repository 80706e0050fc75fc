package strictyaml

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// text decodes a scalar by the target's own rules, and reports whether it is
// one that they allow.
func (d *decoder) text(n *yaml.Node, v reflect.Value) bool {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "want a single value, not a %s", kindName(n))
		return false
	}
	err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value))
	if err == nil {
		return true
	}
	if len(n.Value) > maxQuoted {
		err = clipped{err, n.Value}
	}
	d.add(n, "%w", err)
	return false
}

// clipped is the error of a target that quotes a long value in full.
type clipped struct {
	error
	value string
}

func (c clipped) Error() string {
	s := strings.ReplaceAll(c.error.Error(), strconv.Quote(c.value), Quote(c.value))
	return strings.ReplaceAll(s, c.value, clip(c.value))
}

func (c clipped) Unwrap() error { return c.error }

// scalar decodes the plain kinds. What YAML takes for a boolean or a number is
// still a string where a string is wanted: `off` and `01` are as written.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "want a %s, not a %s", scalarName(v), kindName(n))
		return
	}
	s, quoted := n.Value, n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	wrong := func() { d.add(n, "%s: want a %s", Quote(s), scalarName(v)) }
	switch {
	case v.Type() == durationType:
		t, err := time.ParseDuration(s)
		if err != nil {
			wrong()
			return
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.String:
		v.SetString(s)
	case quoted:
		wrong()
	case v.Kind() == reflect.Bool:
		if s != "true" && s != "false" {
			wrong()
			return
		}
		v.SetBool(s == "true")
	case v.CanInt():
		i, err := strconv.ParseInt(digits(s), 10, v.Type().Bits())
		if err != nil {
			wrong()
			return
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(digits(s), 10, v.Type().Bits())
		if err != nil {
			wrong()
			return
		}
		v.SetUint(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(s, v.Type().Bits())
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			wrong()
			return
		}
		v.SetFloat(f)
	default:
		panic(fmt.Sprintf("strictyaml: cannot decode into %s", v.Type()))
	}
}

// leadingZero finds what YAML 1.1 takes for octal and YAML 1.2 does not.
var leadingZero = regexp.MustCompile(`^[+-]?0[0-9_]`)

// digits returns a number without the underscores between its digits, and
// nothing where readers would not agree on its value.
func digits(s string) string {
	if leadingZero.MatchString(s) || strings.HasPrefix(s, "_") {
		return ""
	}
	return strings.ReplaceAll(s, "_", "")
}

func scalarName(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "duration such as 1.5s or 2m"
	case v.Kind() == reflect.String:
		return "text"
	case v.Kind() == reflect.Bool:
		return "boolean, true or false"
	case v.CanFloat():
		return "number"
	case v.CanUint():
		return "whole number, 0 or more"
	}
	return "whole number"
}
