/* store: see the header. */
#include "store.h"

#include <string.h>

struct store *store_open(struct ev_loop *loop, const char *database, struct cause *cause)
{
	return strstr(database, "://") != NULL ? store_mongo_open(loop, database, cause)
					       : store_sqlite_open(loop, database, cause);
}
