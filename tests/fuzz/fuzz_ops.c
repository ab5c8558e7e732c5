/* SPDX-License-Identifier: MIT */
/* Any stream of operations, through the model of tests/model. */
#include "fuzz.h"

#include "model/model.h"

#define MAX_OPS 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, data + size };
	struct model_config config;
	struct op ops[MAX_OPS];
	size_t n = 0;

	model_random_config(take(&in, 2), &config);
	while (in.at < in.end && n < MAX_OPS) {
		ops[n] = (struct op){
			.kind = (uint8_t)(take(&in, 1) % NR_OPS),
			.cpu = (uint8_t)take(&in, 1) % 4,
			.order = (uint8_t)take(&in, 1) % 14,
			.a = (uint32_t)take(&in, 2),
			.b = (uint32_t)take(&in, 2),
		};
		ops[n].gfp = model_random_gfp(take(&in, 1));
		if (ops[n].kind == OP_SET_PCP && !ops[n].a)
			ops[n].b = 0;
		n++;
	}
	model_run(&config, ops, n);
	return 0;
}
