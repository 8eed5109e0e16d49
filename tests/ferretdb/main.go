// ferretdb: FerretDB with its SQLite backend as one small program, for the tests of the demo
// server: a MongoDB server that stores for real and needs nothing but a directory.
//
//	ferretdb ADDRESS DIRECTORY
//
// FerretDB's own program cannot be installed by `go install`, because it wants files that only its
// own build makes; the embedded form does not, and it reports nothing to anybody.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ferretdb ADDRESS DIRECTORY")
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: os.Args[1]},
		Handler:   "sqlite",
		SQLiteURL: "file:" + os.Args[2] + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := server.Run(ctx); err != nil {
		log.Fatal(err)
	}
}
