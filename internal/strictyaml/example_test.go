package strictyaml_test

import (
	"fmt"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

func Example() {
	config := struct {
		Listen  string        `yaml:"listen"`
		Timeout time.Duration `yaml:"timeout"`
		Streams int           `yaml:"streams"`
	}{Listen: "127.0.0.1:7443"} // the default

	err := strictyaml.Unmarshal("weir.yaml", []byte(`
timeout: 30
streams: 100
strems: 200
`), &config)
	fmt.Println(err)
	fmt.Println(config.Listen, config.Streams)
	// Output:
	// weir.yaml:2:10: timeout: "30": want a duration such as 1.5s or 2m
	// weir.yaml:4:1: strems: unknown key: did you mean streams?
	// 127.0.0.1:7443 100
}
