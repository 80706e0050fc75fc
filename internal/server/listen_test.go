package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key = a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

// sign issues a certificate, or the authority's own.
func (a *authority) sign(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// issue writes name.crt and name.key for 127.0.0.1 and returns them as a pair.
func (a *authority) issue(t *testing.T, dir, name string, serial int64) tls.Certificate {
	t.Helper()
	cert, key := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	for file, data := range map[string][]byte{name + ".crt": certPEM, name + ".key": keyPEM} {
		if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serveTCP serves on a free TCP port.
func serveTCP(t *testing.T, c config.TLS) (address string, logged *syncBuffer) {
	t.Helper()
	conf := config.Default()
	conf.Listen, conf.TLS, conf.DrainTimeout = "127.0.0.1:0", c, time.Second
	snap, files, err := config.LoadSnapshot(basePolicy, nil)
	if err != nil {
		t.Fatal(err)
	}
	logged = &syncBuffer{}
	log := slog.New(slog.NewTextHandler(logged, nil))
	e := engine.New(snap, engine.Options{})
	s, err := server.New(server.Options{
		Config: conf, Engine: e, Log: log, Metrics: server.NewMetrics("test", e.Snapshot),
		Reload: config.NewReloader(e, basePolicy, files, log, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen(&conf, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, listeners...) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listeners[0].Addr().String(), logged
}

// check makes one call on a new connection.
func check(t *testing.T, address string, c credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test goes on
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := weirv1.NewModerationServiceClient(conn).Check(ctx, &weirv1.CheckRequest{Text: []byte("zzbomb")})
	if err == nil && r.Verdict.Action != weirv1.Action_ACTION_HALT {
		t.Errorf("got %v, want a halt", r)
	}
	return err
}

// TestTLS: who gets in.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := newAuthority(t), newAuthority(t)
	ours.issue(t, dir, "server", 2)
	friend, stranger := ours.issue(t, dir, "friend", 3), theirs.issue(t, dir, "stranger", 4)
	ca := filepath.Join(dir, "ca.crt")
	ours.write(t, ca)
	files := config.TLS{Cert: filepath.Join(dir, "server.crt"), Key: filepath.Join(dir, "server.key")}
	open, _ := serveTCP(t, files)
	files.ClientCA = ca
	mutual, _ := serveTCP(t, files)
	for _, c := range []struct {
		name    string
		address string
		with    credentials.TransportCredentials
		in      bool
	}{
		{"tls", open, credentials.NewTLS(&tls.Config{RootCAs: ours.pool()}), true},
		{"tls, an authority unknown to the client", open, credentials.NewTLS(&tls.Config{RootCAs: theirs.pool()}), false},
		{"tls, old version", open, credentials.NewTLS(&tls.Config{RootCAs: ours.pool(), MaxVersion: tls.VersionTLS11}), false},
		{"plain", open, insecure.NewCredentials(), false},
		{"mutual", mutual, credentials.NewTLS(&tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{friend}}), true},
		{"mutual, no certificate", mutual, credentials.NewTLS(&tls.Config{RootCAs: ours.pool()}), false},
		{"mutual, of another authority", mutual, credentials.NewTLS(&tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{stranger}}), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := check(t, c.address, c.with); (err == nil) != c.in {
				t.Errorf("got %v, want in: %t", err, c.in)
			}
		})
	}
}

// TestCertificatesChange: new connections get the new certificate; files that
// cannot be used are told of, once, and the old certificate stays.
func TestCertificatesChange(t *testing.T) {
	dir := t.TempDir()
	a := newAuthority(t)
	a.issue(t, dir, "server", 2)
	file := filepath.Join(dir, "server.crt")
	address, log := serveTCP(t, config.TLS{Cert: file, Key: filepath.Join(dir, "server.key")})
	serial := func() int64 {
		t.Helper()
		conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: a.pool(), NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close() //nolint:errcheck // the test goes on
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if n := serial(); n != 2 {
		t.Fatalf("serial number %d, want 2", n)
	}
	if err := os.WriteFile(file, []byte("half a certi"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an error in the log", func() bool {
		if n := serial(); n != 2 {
			t.Fatalf("serial number %d, want the old certificate", n)
		}
		return strings.Contains(log.String(), "the old ones stay")
	})
	a.issue(t, dir, "server", 3)
	eventually(t, "the new certificate", func() bool { return serial() == 3 })
	if n := strings.Count(log.String(), "the old ones stay"); n != 1 {
		t.Errorf("the bad file is logged %d times:\n%s", n, log)
	}
}

func TestListenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name   string
		change func(*config.Config)
		want   string
	}{
		{"no certificate", func(c *config.Config) { c.TLS = config.TLS{Cert: dir + "/none.crt", Key: dir + "/none.key"} }, "none.crt"},
		{"no address", func(c *config.Config) { c.Listen = "127.0.0.1:99999" }, "99999"},
		{"no directory", func(c *config.Config) { c.Unix.Path = dir + "/none/s" }, "none/s"},
		{"no socket", func(c *config.Config) {
			c.Unix.Path = dir + "/file"
			if err := os.WriteFile(c.Unix.Path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "no socket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := config.Default()
			conf.Listen = "127.0.0.1:0"
			c.change(&conf)
			listeners, err := server.Listen(&conf, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) || len(listeners) != 0 {
				t.Errorf("got %d listeners, %v, want an error that says %q", len(listeners), err, c.want)
			}
		})
	}
	if data, err := os.ReadFile(dir + "/file"); err != nil || string(data) != "precious" {
		t.Errorf("the file that is no socket was touched: %q, %v", data, err)
	}
}

// TestUnixSocket: it has the mode that was asked for; one left behind is
// replaced, one in use is not.
func TestUnixSocket(t *testing.T) {
	conf := config.Default()
	conf.Listen, conf.Unix = "", config.Unix{Path: filepath.Join(t.TempDir(), "s"), Mode: 0o600}
	log := slog.New(slog.DiscardHandler)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: conf.Unix.Path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as if the process had been killed
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen(&conf, log)
	if err != nil {
		t.Fatalf("a socket left behind: %v", err)
	}
	defer listeners[0].Close() //nolint:errcheck // the test ends
	if info, err := os.Stat(conf.Unix.Path); err != nil || info.Mode().Perm() != 0o600 || info.Mode()&fs.ModeSocket == 0 {
		t.Errorf("the socket is %v, %v", info, err)
	}
	if _, err := server.Listen(&conf, log); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a socket in use: %v", err)
	}
}
