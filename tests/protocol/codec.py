"""An independent codec for Terraform's values: reads what ours wrote, writes its own.

Each line in: {"type": ..., "msgpack": hex}; each line out: {"json": ..., "msgpack": hex}.
"""

import json
import sys

from pyvider.cty import cty_to_json, parse_tf_type_to_ctytype
from pyvider.cty.codec import cty_from_msgpack, cty_to_msgpack

for line in sys.stdin:
    request = json.loads(line)
    kind = parse_tf_type_to_ctytype(request["type"])
    try:
        value = cty_from_msgpack(bytes.fromhex(request["msgpack"]), kind)
        again = cty_to_msgpack(value, kind).hex()
        try:
            text = cty_to_json(value, kind)
            text = text.decode() if isinstance(text, bytes) else text
        except Exception:
            text = None  # JSON has no unknown values
        print(json.dumps({"json": text, "msgpack": again}), flush=True)
    except Exception as error:
        print(json.dumps({"error": repr(error)}), flush=True)
