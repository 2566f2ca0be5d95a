"""Make a synthetic head with a bleed, segment it with the bundled model, draw the result.

Run: python examples/01_segment_a_phantom.py [OUTPUT.png]
Exercise: give `make_phantom` another seed, or `PhantomSettings(subtypes=("subdural",))`.
"""

import sys
from pathlib import Path

import ichnos


def main() -> None:
    output = Path(sys.argv[1] if len(sys.argv) > 1 else "phantom.png")
    phantom = ichnos.make_phantom(seed=5, settings=ichnos.PhantomSettings(slices=20, rows=192, columns=192))
    result = ichnos.load_segmenter()(phantom.scan)
    ichnos.write_overlay(result, output, "phantom")
    truth_ml = phantom.scan.geometry.volume_ml(phantom.bleed_mask)
    print(f"true {truth_ml:.1f} mL, predicted {result.volume_ml:.1f} mL; picture: {output}")


if __name__ == "__main__":
    main()
