// A receiver in Go, by the standard library: verify, keep, answer; the work is done afterwards.
//
//	RECEIVER_DIR=dir PORT=9000 go run ./examples/receiver_go
//
// dir holds secret (the endpoint's, whsec_…) and jwks.json (the coordinator's, fetched once over https). What came is
// kept in dir/inbox/, each event once.
package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

const mostBytes = 64 * 1024

var (
	id    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	stamp = regexp.MustCompile(`^[1-9][0-9]{0,11}$`)
)

type receiver struct {
	folder string
	secret []byte
	keys   []ed25519.PublicKey
	news   chan struct{}
}

func newReceiver(folder string) (*receiver, error) {
	text, err := os.ReadFile(filepath.Join(folder, "secret"))
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(text)), "whsec_"))
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(filepath.Join(folder, "jwks.json"))
	if err != nil {
		return nil, err
	}
	var jwks struct {
		Keys []struct {
			X string `json:"x"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(raw, &jwks); err != nil {
		return nil, err
	}
	r := &receiver{folder: folder, secret: secret, news: make(chan struct{}, 1)}
	for _, jwk := range jwks.Keys {
		key, err := base64.RawURLEncoding.DecodeString(jwk.X)
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, errors.New("jwks.json holds a key that is none")
		}
		r.keys = append(r.keys, key)
	}
	return r, os.MkdirAll(filepath.Join(folder, "inbox"), 0o700)
}

func (r *receiver) isAuthentic(header http.Header, body []byte) bool {
	at := header.Get("webhook-timestamp")
	if !id.MatchString(header.Get("webhook-id")) || !stamp.MatchString(at) {
		return false
	}
	sent, err := strconv.ParseInt(at, 10, 64)
	// Sent just now, neither old nor from the future.
	if away := time.Now().Unix() - sent; err != nil || away > 300 || away < -300 {
		return false
	}
	signed := append([]byte(header.Get("webhook-id")+"."+at+"."), body...)
	mac := hmac.New(sha256.New, r.secret)
	mac.Write(signed)
	bySecret, byKey := false, false
	for _, offered := range strings.Split(header.Get("webhook-signature"), " ") {
		kind, text, _ := strings.Cut(offered, ",")
		signature, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		if kind == "v1" && hmac.Equal(signature, mac.Sum(nil)) {
			bySecret = true
		}
		for _, key := range r.keys {
			if kind == "v1a" && ed25519.Verify(key, signed, signature) {
				byKey = true
			}
		}
	}
	return bySecret && byKey
}

// keep stores an event for good, or leaves what is there: a repeat bears the same id.
func (r *receiver) keep(name string, body []byte) error {
	draft, err := os.CreateTemp(r.folder, "draft-")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	defer draft.Close()
	if _, err := draft.Write(body); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	err = os.Link(draft.Name(), filepath.Join(r.folder, "inbox", name+".json")) // whole, or not at all
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// work does what the events ask for, one after the other, also those of before a restart.
func (r *receiver) work() {
	for {
		names, _ := filepath.Glob(filepath.Join(r.folder, "inbox", "*.json"))
		sort.Strings(names)
		for _, name := range names {
			done := strings.TrimSuffix(name, ".json") + ".done"
			if _, err := os.Stat(done); err == nil {
				continue
			}
			raw, err := os.ReadFile(name)
			var event struct {
				Type string `json:"type"`
				Data struct {
					Drill bool `json:"drill"`
				} `json:"data"`
			}
			if err != nil || json.Unmarshal(raw, &event) != nil {
				log.Printf("%s cannot be read", name)
				continue
			}
			// Here: verify the notice, and freeze. Of a drill, which the signed document says as
			// well, say what you would have found, and touch nobody's funds.
			drill := ""
			if event.Data.Drill {
				drill = " drill"
			}
			fmt.Printf("worked %s %s%s\n", strings.TrimSuffix(filepath.Base(name), ".json"), event.Type, drill)
			if err := os.WriteFile(done, nil, 0o600); err != nil {
				log.Print(err)
			}
		}
		<-r.news
	}
}

func (r *receiver) hook(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(request.Body, mostBytes+1))
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case len(body) > mostBytes:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case !r.isAuthentic(request.Header, body):
		w.WriteHeader(http.StatusUnauthorized)
	case r.keep(request.Header.Get("webhook-id"), body) != nil:
		w.WriteHeader(http.StatusInternalServerError) // it was not kept: let it come again
	default:
		w.WriteHeader(http.StatusNoContent)
		select {
		case r.news <- struct{}{}:
		default: // the worker will look anyhow
		}
	}
}

func main() {
	r, err := newReceiver(os.Getenv("RECEIVER_DIR"))
	if err != nil {
		log.Fatal(err)
	}
	go r.work()
	http.HandleFunc("/hook", r.hook)
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	server := &http.Server{Addr: "127.0.0.1:" + port, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
