package server

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/config"
)

// Listen opens the addresses of a configuration: TCP, with TLS if it says so,
// and the Unix socket. On an error nothing stays open. log learns of
// certificates that changed, and of those that cannot be used.
func Listen(c *config.Config, log *slog.Logger) ([]net.Listener, error) {
	return listen(c.Listen, c.Unix, c.TLS, log)
}

// ListenExtProc is Listen for the addresses of Envoy's external processor.
func ListenExtProc(c *config.ExtProc, log *slog.Logger) ([]net.Listener, error) {
	listeners, err := listen(c.Listen, c.Unix, c.TLS, log)
	if err != nil {
		return nil, fmt.Errorf("ext_proc: %w", err)
	}
	return listeners, nil
}

func listen(address string, unix config.Unix, t config.TLS, log *slog.Logger) (listeners []net.Listener, err error) {
	defer func() {
		if err != nil {
			for _, l := range listeners {
				_ = l.Close() // the first error counts
			}
			listeners = nil
		}
	}()
	if address != "" {
		l, err := ListenTCP(address, t, []string{"h2"}, log)
		if err != nil {
			return listeners, fmt.Errorf("server: listen: %w", err)
		}
		listeners = append(listeners, l)
	}
	if unix.Path != "" {
		l, err := listenUnix(unix)
		if err != nil {
			return listeners, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// ListenTCP opens a TCP address, with TLS if t has a certificate. protocols are
// what may be agreed on in the handshake, best first.
func ListenTCP(address string, t config.TLS, protocols []string, log *slog.Logger) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil || t.Cert == "" {
		return l, err
	}
	c, err := tlsConfig(t, protocols, log)
	if err != nil {
		_ = l.Close() // the first error counts
		return nil, err
	}
	return tls.NewListener(l, c), nil
}

// listenUnix opens a Unix socket. A socket file that nobody listens on, left by
// a process that was killed, is removed; one that somebody uses is an error.
func listenUnix(u config.Unix) (net.Listener, error) {
	if info, err := os.Lstat(u.Path); err == nil {
		if info.Mode()&fs.ModeSocket == 0 {
			return nil, fmt.Errorf("server: unix.path %s is there and no socket: choose another path", u.Path)
		}
		if c, err := net.DialTimeout("unix", u.Path, time.Second); err == nil {
			_ = c.Close()
			return nil, fmt.Errorf("server: unix.path %s is in use by another process", u.Path)
		}
		if err := os.Remove(u.Path); err != nil {
			return nil, fmt.Errorf("server: unix.path: %w", err)
		}
	}
	l, err := net.Listen("unix", u.Path)
	if err != nil {
		return nil, fmt.Errorf("server: unix.path: %w", err)
	}
	if err := os.Chmod(u.Path, fs.FileMode(u.Mode)); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("server: unix.mode: %w", err)
	}
	return l, nil
}

// tlsConfig returns a configuration that reads its files again when they
// change, at most once a second. It fails if they cannot be read now.
func tlsConfig(c config.TLS, protocols []string, log *slog.Logger) (*tls.Config, error) {
	k := &keeper{config: c, protocols: protocols, log: log}
	if _, err := k.get(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return k.get()
		},
	}, nil
}

// keeper holds the TLS configuration made of the files as they last could be read.
type keeper struct {
	config    config.TLS
	protocols []string
	log       *slog.Logger

	mu      sync.Mutex // guards the following
	current *tls.Config
	checked time.Time
	stamp   [3]time.Time // modification times when the files were last read
}

func (k *keeper) get() (*tls.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current != nil && time.Since(k.checked) < time.Second {
		return k.current, nil
	}
	k.checked = time.Now()
	var stamp [3]time.Time
	for i, f := range []string{k.config.Cert, k.config.Key, k.config.ClientCA} {
		if info, err := os.Stat(f); err == nil {
			stamp[i] = info.ModTime()
		}
	}
	if k.current != nil && stamp == k.stamp {
		return k.current, nil
	}
	next, err := load(k.config, k.protocols)
	switch {
	case err != nil && k.current == nil:
		return nil, err
	case err != nil:
		// Half-written, perhaps: the old ones hold until they change again.
		k.log.Error("certificates changed and cannot be used, the old ones stay", "err", err)
	default:
		if k.current != nil {
			k.log.Info("certificates changed")
		}
		k.current = next
	}
	k.stamp = stamp
	return k.current, nil
}

func load(c config.TLS, protocols []string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("server: tls: %w", err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, Certificates: []tls.Certificate{pair}}
	if c.ClientCA == "" {
		return out, nil
	}
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("server: tls.client_ca: %w", err)
	}
	out.ClientCAs = x509.NewCertPool()
	if !out.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("server: tls.client_ca: no PEM certificate in " + c.ClientCA)
	}
	out.ClientAuth = tls.RequireAndVerifyClientCert
	return out, nil
}
