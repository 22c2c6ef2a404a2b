/** Reading QR codes with the device's own camera, where its browser can (BarcodeDetector): no decoder is shipped. */

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

const PAUSE_MS = 110;

function detectorClass(): DetectorClass | null {
  return (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector ?? null;
}

/** Cameras are for secure pages only, so this is false by plain http from another machine. */
export function canSee(): boolean {
  return detectorClass() !== null && Boolean(navigator.mediaDevices?.getUserMedia);
}

export class Eye {
  onclose: () => void = () => undefined;
  private stream: MediaStream | null = null;

  constructor(private readonly video: HTMLVideoElement) {}

  get open(): boolean {
    return this.stream !== null;
  }

  /** Tells each code seen, again and again while it is in sight. Rejects when the camera cannot be had. */
  async look(tell: (code: string) => void): Promise<void> {
    const detector = new (detectorClass()!)({ formats: ["qr_code"] });
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } }, audio: false });
    this.stream = stream;
    this.video.srcObject = stream;
    // A camera that is unplugged or taken away ends its track.
    stream.getTracks().forEach((track) => track.addEventListener("ended", () => this.close()));
    await this.video.play();
    const read = async (): Promise<void> => {
      if (this.stream !== stream) return;
      // A frame that cannot be read is followed by thirty others.
      const seen = await detector.detect(this.video).catch(() => []);
      for (const code of seen) if (code.rawValue) tell(code.rawValue);
      setTimeout(() => void read(), PAUSE_MS);
    };
    void read();
  }

  close(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
    this.onclose();
  }
}
