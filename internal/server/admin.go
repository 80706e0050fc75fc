package server

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// adminService implements AdminService.
type adminService struct {
	weirv1.UnimplementedAdminServiceServer
	server *Server
}

// GetStatus implements AdminService.
func (a *adminService) GetStatus(context.Context, *weirv1.GetStatusRequest) (*weirv1.GetStatusResponse, error) {
	s := a.server
	snap := s.engine.Snapshot()
	last, failed := s.reload.Status()
	out := &weirv1.GetStatusResponse{
		Version: s.version, SnapshotVersion: snap.Version(), StartTime: timestamppb.New(s.started),
		OpenStreams: s.open.Load(), LexiconBytes: int64(snap.LexiconBytes()), ReloadTime: timestamppb.New(last),
	}
	if failed != nil {
		out.ReloadError = failed.Error()
	}
	for _, name := range snap.Policy().ProfileNames() {
		p, _ := snap.Policy().Profile(name)
		out.Profiles = append(out.Profiles, &weirv1.ProfileStatus{Name: name, Release: p.Release.String(), Fail: p.Fail.String()})
	}
	for _, p := range snap.Packs() {
		out.Packs = append(out.Packs, &weirv1.PackStatus{
			Name: p.Name, Entries: int64(len(p.Entries)), Source: p.Source, Licence: p.Licence,
		})
	}
	for _, m := range snap.Models() {
		info := m.Batcher.Info()
		out.Models = append(out.Models, &weirv1.ModelStatus{
			Name: info.Name, Version: info.Version, Provider: info.Provider, QueuedStreams: int64(m.Batcher.Queued()),
		})
	}
	return out, nil
}

// Reload implements AdminService. The problems of the operator's own files are
// told to whoever may call this service.
func (a *adminService) Reload(context.Context, *weirv1.ReloadRequest) (*weirv1.ReloadResponse, error) {
	r, err := a.server.reload.Reload()
	if err != nil {
		return nil, status.Errorf(codes.FailedPrecondition, "the old rules stay:\n%v", err)
	}
	return &weirv1.ReloadResponse{Changed: r.Changed, OldSnapshotVersion: r.Old, SnapshotVersion: r.New}, nil
}

// GetSnapshot implements AdminService.
func (a *adminService) GetSnapshot(context.Context, *weirv1.GetSnapshotRequest) (*weirv1.GetSnapshotResponse, error) {
	snap := a.server.engine.Snapshot()
	return &weirv1.GetSnapshotResponse{SnapshotVersion: snap.Version(), Policy: snap.Policy().Name}, nil
}
