/* controller/deploy/reason.h — Every reason an app or a condition can have, in one table.
 *
 * docs/api.md, section 7, explains each; hack/docs.sh compares the two. */
#ifndef DEPLOY_REASON_H
#define DEPLOY_REASON_H
#include <stdbool.h>
#include <stddef.h>

#define REASONS(X)                                                                                 \
    /* name, an app that is Failed with it is looked at again when the cluster changes */          \
    X(Resolving, false)                                                                            \
    X(WaitingForTurn, false)                                                                       \
    X(Paused, false)                                                                               \
    X(WaitingForApproval, false)                                                                   \
    X(WaitingForWindow, false)                                                                     \
    X(WaitingForDependency, false)                                                                 \
    X(ImageNotFound, false)                                                                        \
    X(ImageAbsent, false)                                                                          \
    X(RegistryUnavailable, false)                                                                  \
    X(RegistryUnauthorized, false)                                                                 \
    X(DeploymentNotFound, true)                                                                    \
    X(DeploymentDeleting, true)                                                                    \
    X(DeploymentPaused, true)                                                                      \
    X(UnsupportedStrategy, true)                                                                   \
    X(AmbiguousContainer, true)                                                                    \
    X(ContainerNotFound, true)                                                                     \
    X(OwnershipConflict, true)                                                                     \
    X(Superseded, false)                                                                           \
    X(ReleaseFailed, false)                                                                        \
    X(DependencyFailed, false)                                                                     \
    X(Planned, false)                                                                              \
    X(RollingUpdate, false)                                                                        \
    X(Adopted, false)                                                                              \
    X(PutBack, false)                                                                              \
    X(Soaking, false)                                                                              \
    X(Healthy, false)                                                                              \
    X(NotVerified, false)                                                                          \
    X(SameDigest, false)                                                                           \
    X(StillBad, false)                                                                             \
    X(Denied, false)                                                                               \
    X(Forbidden, false)                                                                            \
    X(Rejected, false)                                                                             \
    X(ApiUnavailable, false)                                                                       \
    X(FieldManagerConflict, false)                                                                 \
    X(InvalidImage, false)                                                                         \
    X(ImagePullUnauthorized, false)                                                                \
    X(ConfigError, false)                                                                          \
    X(CrashLoop, false)                                                                            \
    X(OOMKilled, false)                                                                            \
    X(ExecFormatError, false)                                                                      \
    X(NotReady, false)                                                                             \
    X(Unschedulable, false)                                                                        \
    X(PodsRefused, false)                                                                          \
    X(DeadlineExceeded, false)                                                                     \
    X(Degraded, false)                                                                             \
    X(RolledBack, false)                                                                           \
    X(RollbackFailed, false)                                                                       \
    X(NoRollbackTarget, false)                                                                     \
    /* of conditions only */                                                                       \
    X(Progressing, false)                                                                          \
    X(ProgressingWithRetry, false)                                                                 \
    X(WaitingForImage, false)                                                                      \
    X(WaitingForDeployment, false)                                                                 \
    X(Suspended, false)                                                                            \
    X(FreezeOverridden, false)                                                                     \
    X(ReleaseSucceeded, false)                                                                     \
    X(AllResolved, false)                                                                          \
    X(InvalidSpec, false)

#define X(name, again) extern const char REASON_##name[];
REASONS(X)
#undef X

/* Is an app that is Failed with this reason looked at again by itself? */
bool reason_is_rechecked(const char *reason);

/* The i-th reason; NULL past the end. */
const char *reason_at(size_t i);

#endif
