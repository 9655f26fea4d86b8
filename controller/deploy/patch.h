/* controller/deploy/patch.h — The strategic merge patch of a Deployment (R5). Pure. */
#ifndef DEPLOY_PATCH_H
#define DEPLOY_PATCH_H
#include "deploy/observed.h"

struct arena;

#define ANNOTATIONS "deploy.btc-shopflow.io/" /* all of ours begin so */

/* JSON text for the app's attempt: uid and resourceVersion (so that a changed or another Deployment
 * is a 409), images, the rolling strategy if it is enforced, our annotations, the change-cause. Of
 * an Adopt only the annotations. Never replicas. */
const char *patch_deployment(const struct observed *o, const struct app_status *app,
                             const struct deployment_facts *dep, struct arena *a);

#endif
